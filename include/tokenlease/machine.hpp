/* A client that sends nothing itself, for programs that must use their own HTTP library. */
#ifndef TOKENLEASE_MACHINE_HPP
#define TOKENLEASE_MACHINE_HPP

#include <tokenlease/config.hpp>
#include <tokenlease/effect.hpp>
#include <tokenlease/result.hpp>
#include <tokenlease/text.hpp>
#include <tokenlease/token.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace tokenlease {

/* The clocks of a host, for a machine that does not read the system's; see tokenlease_machine_options.
   Both are set, or none. */
struct MachineOptions {
    /* A monotonic clock, since any moment. */
    std::optional<milliseconds> elapsed = {};
    std::optional<std::chrono::system_clock::time_point> wall = {};
};

/* The result of a call of a machine. */
struct CallResult {
    tokenlease_result result = TOKENLEASE_RESULT_DONE;
    /* Set if the result is TOKENLEASE_RESULT_TOKEN. */
    std::optional<Token> token = {};
};

/* A call of a machine; see tokenlease_machine_call. The destructor ends it. */
class MachineCall {
  public:
    /* Takes ownership of a handle. */
    explicit MachineCall(tokenlease_machine_call *call) noexcept : handle_(call) {}

    bool is_complete() const noexcept { return tokenlease_machine_call_is_complete(get()); }

    /* Reads the result of a complete call, once. */
    Result<CallResult> try_result() const
    {
        tokenlease_result result = {};
        tokenlease_token *token = nullptr;
        const auto done = detail::attempt([&](auto error) {
            return tokenlease_machine_call_result(get(), &result, &token, error);
        });
        if (!done) {
            return done.error();
        }
        return CallResult{result, detail::owned(token)};
    }

#if TOKENLEASE_HAS_EXCEPTIONS
    CallResult result() const { return try_result().value(); }
#endif

    const tokenlease_machine_call *get() const noexcept { return handle_.get(); }

  private:
    detail::Owned<tokenlease_machine_call, tokenlease_machine_call_free> handle_;
};

/* Decides and shares like a Client, and leaves the requests to the program: docs/hosted.md describes
   its loop. Each method calls the function of the same name in tokenlease.h, which documents it. */
class Machine {
  public:
    /* Takes ownership of a handle. */
    explicit Machine(tokenlease_machine *machine) noexcept : handle_(machine) {}

    static Result<Machine> try_create(const Config &config, const MachineOptions &options = {})
    {
        return create(config, nullptr, options);
    }
    static Result<Machine> try_create(const Config &config, const Registry &registry,
                                      const MachineOptions &options = {})
    {
        return create(config, registry.get(), options);
    }

    Result<void> try_set_now(milliseconds elapsed, std::chrono::system_clock::time_point wall) const
    {
        return detail::attempt([&](auto error) {
            return tokenlease_machine_set_now(get(), detail::millis(elapsed),
                                              detail::since_epoch(wall), error);
        });
    }

    /* Begins a call that is about no token. */
    Result<MachineCall> try_begin(tokenlease_call_kind kind, const TokenOptions &options = {}) const
    {
        return begin_with(kind, nullptr, options);
    }
    /* Begins a call that is about a token. */
    Result<MachineCall> try_begin(tokenlease_call_kind kind, const Token &token,
                                  const TokenOptions &options = {}) const
    {
        return begin_with(kind, token.get(), options);
    }

    /* Returns the next thing to do, until nothing is under way. */
    Result<Effect> try_poll() const { return poll_with(nullptr); }
    /* Returns the next thing to do, until the call is complete. */
    Result<Effect> try_poll(const MachineCall &call) const { return poll_with(call.get()); }

    Result<void> try_adopt(const Token &token,
                           std::optional<milliseconds> lifetime = std::nullopt) const
    {
        return detail::attempt([&](auto error) {
            return tokenlease_machine_adopt(get(), token.get(), detail::millis(lifetime), error);
        });
    }

    Result<Token> try_token_from_text(const Text &text) const
    {
        return detail::attempt_for<Token, tokenlease_token *>([&](auto token, auto error) {
            return tokenlease_machine_token_from_text(get(), text.data(), text.length(), token,
                                                      error);
        });
    }

    Result<std::string> try_explain() const
    {
        return detail::text_of(get(), tokenlease_machine_explain, 512);
    }

#if TOKENLEASE_HAS_EXCEPTIONS
    explicit Machine(const Config &config, const MachineOptions &options = {})
        : Machine(try_create(config, options).value())
    {
    }
    Machine(const Config &config, const Registry &registry, const MachineOptions &options = {})
        : Machine(try_create(config, registry, options).value())
    {
    }

    void set_now(milliseconds elapsed, std::chrono::system_clock::time_point wall) const
    {
        try_set_now(elapsed, wall).value();
    }

    MachineCall begin(tokenlease_call_kind kind, const TokenOptions &options = {}) const
    {
        return try_begin(kind, options).value();
    }
    MachineCall begin(tokenlease_call_kind kind, const Token &token,
                      const TokenOptions &options = {}) const
    {
        return try_begin(kind, token, options).value();
    }

    Effect poll() const { return try_poll().value(); }
    Effect poll(const MachineCall &call) const { return try_poll(call).value(); }

    void adopt(const Token &token, std::optional<milliseconds> lifetime = std::nullopt) const
    {
        try_adopt(token, lifetime).value();
    }

    Token token_from_text(const Text &text) const { return try_token_from_text(text).value(); }
    std::string explain() const { return try_explain().value(); }
#endif

    const tokenlease_machine *get() const noexcept { return handle_.get(); }

  private:
    static Result<Machine> create(const Config &config, const tokenlease_registry *registry,
                                  const MachineOptions &options)
    {
        tokenlease_machine_options given = TOKENLEASE_MACHINE_OPTIONS_INIT;
        given.elapsed_ms = detail::millis(options.elapsed);
        given.wall_ms = options.wall ? detail::since_epoch(*options.wall) : TOKENLEASE_NONE;
        return detail::attempt_for<Machine, tokenlease_machine *>([&](auto machine, auto error) {
            return tokenlease_machine_new(config.get(), registry, &given, machine, error);
        });
    }

    Result<MachineCall> begin_with(tokenlease_call_kind kind, const tokenlease_token *token,
                                   const TokenOptions &options) const
    {
        const detail::GivenOptions given(options);
        return detail::attempt_for<MachineCall, tokenlease_machine_call *>(
            [&](auto call, auto error) {
                return tokenlease_machine_begin(get(), kind, token, given.get(), call, error);
            });
    }

    Result<Effect> poll_with(const tokenlease_machine_call *call) const
    {
        return detail::attempt_for<Effect, tokenlease_effect *>([&](auto effect, auto error) {
            return tokenlease_machine_poll(get(), call, effect, error);
        });
    }

    detail::Owned<tokenlease_machine, tokenlease_machine_free> handle_;
};

} // namespace tokenlease

#endif
