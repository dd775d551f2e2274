/* The client of one identity. */
#ifndef TOKENLEASE_CLIENT_HPP
#define TOKENLEASE_CLIENT_HPP

#include <tokenlease/call.hpp>
#include <tokenlease/config.hpp>
#include <tokenlease/result.hpp>
#include <tokenlease/text.hpp>
#include <tokenlease/token.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tokenlease {

/* Gets, caches and shares the token of one identity. Each method calls the function of the same
   name in tokenlease.h, which documents it. */
class Client {
  public:
    /* Takes ownership of a handle. */
    explicit Client(tokenlease_client *client) noexcept : handle_(client) {}

    static Result<Client> try_create(const Config &config) { return create(config, nullptr); }
    static Result<Client> try_create(const Config &config, const Registry &registry)
    {
        return create(config, registry.get());
    }

    Result<Token> try_token(const TokenOptions &options = {}) const
    {
        const detail::GivenOptions given(options);
        return token_by([&](auto token, auto error) {
            return tokenlease_client_token(get(), given.get(), token, error);
        });
    }

    /* Copies the text of the token into a string, and overwrites what the string had. It is the fastest
       call, and allocates nothing if the string had a text of the same length or a longer one. */
    Result<void> try_copy_token(std::string &text, const TokenOptions &options = {}) const
    {
        const detail::GivenOptions given(options);
        return detail::attempt_text(text, [&](auto... buffer) {
            return tokenlease_client_copy_token(get(), given.get(), buffer...);
        });
    }

    Result<Token> try_token_from_text(const Text &text) const
    {
        return token_by([&](auto token, auto error) {
            return tokenlease_client_token_from_text(get(), text.data(), text.length(), token,
                                                     error);
        });
    }

    /* Returns the replacement, or nothing if the reported token is active. */
    Result<std::optional<Token>> try_report_rejected(const Token &token,
                                                     const WaitOptions &options = {}) const
    {
        const auto given = detail::given(options);
        auto replacement = token_by([&](auto replacement, auto error) {
            return tokenlease_client_report_rejected(get(), token.get(), &given, replacement, error);
        });
        if (!replacement) {
            return replacement.error();
        }
        return replacement->get() ? std::optional(*std::move(replacement)) : std::nullopt;
    }

    Result<bool> try_validate(const Token &token, const WaitOptions &options = {}) const
    {
        const auto given = detail::given(options);
        return detail::attempt_for<bool, bool>([&](auto active, auto error) {
            return tokenlease_client_validate(get(), token.get(), &given, active, error);
        });
    }

    Result<Token> try_refetch(const WaitOptions &options = {}) const
    {
        const auto given = detail::given(options);
        return token_by([&](auto token, auto error) {
            return tokenlease_client_refetch(get(), &given, token, error);
        });
    }

    /* Returns whether the token was active before, and the provider then called it inactive. It is an
       error with the status TOKENLEASE_NOT_REVOKED if the provider calls it active afterwards. */
    Result<bool> try_revoke(const Token &token, const WaitOptions &options = {}) const
    {
        const auto given = detail::given(options);
        return detail::attempt_for<bool, bool>([&](auto proven, auto error) {
            return tokenlease_client_revoke(get(), token.get(), &given, proven, error);
        });
    }

    Result<void> try_forget() const
    {
        return detail::attempt([&](auto error) { return tokenlease_client_forget(get(), error); });
    }

    Result<void> try_unblock() const
    {
        return detail::attempt([&](auto error) { return tokenlease_client_unblock(get(), error); });
    }

    Result<void> try_adopt(const Token &token,
                           std::optional<milliseconds> lifetime = std::nullopt) const
    {
        return detail::attempt([&](auto error) {
            return tokenlease_client_adopt(get(), token.get(), detail::millis(lifetime), error);
        });
    }

    Result<void> try_set_credentials(const Config &config) const
    {
        return detail::attempt([&](auto error) {
            return tokenlease_client_set_credentials(get(), config.get(), error);
        });
    }

    /* Calls an API with the token to use now, and once more with its replacement if the API rejected
       it; see tokenlease_client_call. function gets the token, which it may use until it returns, and
       returns the API's Response, or an std::optional<Response> that is empty if there is none: then
       the status is TOKENLEASE_CALL_FAILED. An exception of function ends the call, and leaves it. */
    template <typename Function>
    Result<Response> try_call(Function &&function, const TokenOptions &options = {}) const
    {
        const detail::GivenOptions given(options);
        detail::ApiCall<std::remove_reference_t<Function>> call(function);
        return call.run(get(), given.get());
    }

    /* Reads an API's answer, for programs that do not use call(). The body may be any bytes. */
    Result<tokenlease_api_answer> try_read_answer(int http_status, std::string_view body) const
    {
        return detail::attempt_for<tokenlease_api_answer, tokenlease_api_answer>(
            [&](auto answer, auto error) {
                return tokenlease_client_read_answer(get(), http_status, body.data(), body.size(),
                                                     answer, error);
            });
    }

    Result<std::string> try_explain() const
    {
        return detail::text_of(get(), tokenlease_client_explain, 512);
    }

    /* The last logins, refetches and rejections, as JSON: see tokenlease_client_history. */
    Result<std::string> try_history() const
    {
        return detail::text_of(get(), tokenlease_client_history, 8192);
    }

    /* The status of the client's token, as JSON: see tokenlease_client_status_json. */
    Result<std::string> try_status_json() const
    {
        return detail::text_of(get(), tokenlease_client_status_json, 2048);
    }

    Result<std::uint64_t> try_count(tokenlease_count counter) const
    {
        return detail::attempt_for<std::uint64_t, std::uint64_t>([&](auto count, auto error) {
            return tokenlease_client_count(get(), counter, count, error);
        });
    }

    Result<void> try_close(const WaitOptions &options = {}) const
    {
        const auto given = detail::given(options);
        return detail::attempt(
            [&](auto error) { return tokenlease_client_close(get(), &given, error); });
    }

    /* Ends all waits of this client that are under way, from any thread. They fail with the status
       TOKENLEASE_INTERRUPTED. */
    void interrupt() const noexcept { tokenlease_client_interrupt(get()); }

#if TOKENLEASE_HAS_EXCEPTIONS
    explicit Client(const Config &config) : Client(try_create(config).value()) {}
    Client(const Config &config, const Registry &registry)
        : Client(try_create(config, registry).value())
    {
    }

    Token token(const TokenOptions &options = {}) const { return try_token(options).value(); }

    void copy_token(std::string &text, const TokenOptions &options = {}) const
    {
        try_copy_token(text, options).value();
    }

    Token token_from_text(const Text &text) const { return try_token_from_text(text).value(); }

    std::optional<Token> report_rejected(const Token &token,
                                         const WaitOptions &options = {}) const
    {
        return try_report_rejected(token, options).value();
    }

    bool validate(const Token &token, const WaitOptions &options = {}) const
    {
        return try_validate(token, options).value();
    }

    Token refetch(const WaitOptions &options = {}) const { return try_refetch(options).value(); }

    bool revoke(const Token &token, const WaitOptions &options = {}) const
    {
        return try_revoke(token, options).value();
    }

    void forget() const { try_forget().value(); }
    void unblock() const { try_unblock().value(); }

    void adopt(const Token &token, std::optional<milliseconds> lifetime = std::nullopt) const
    {
        try_adopt(token, lifetime).value();
    }

    void set_credentials(const Config &config) const { try_set_credentials(config).value(); }

    template <typename Function>
    Response call(Function &&function, const TokenOptions &options = {}) const
    {
        return try_call(std::forward<Function>(function), options).value();
    }

    tokenlease_api_answer read_answer(int http_status, std::string_view body) const
    {
        return try_read_answer(http_status, body).value();
    }

    std::string explain() const { return try_explain().value(); }
    std::string history() const { return try_history().value(); }
    std::string status_json() const { return try_status_json().value(); }
    std::uint64_t count(tokenlease_count counter) const { return try_count(counter).value(); }
    void close(const WaitOptions &options = {}) const { try_close(options).value(); }
#endif

    const tokenlease_client *get() const noexcept { return handle_.get(); }

  private:
    static Result<Client> create(const Config &config, const tokenlease_registry *registry)
    {
        return detail::attempt_for<Client, tokenlease_client *>([&](auto client, auto error) {
            return tokenlease_client_new(config.get(), registry, client, error);
        });
    }

    template <typename Call> static Result<Token> token_by(Call &&call)
    {
        return detail::attempt_for<Token, tokenlease_token *>(std::forward<Call>(call));
    }

    detail::Owned<tokenlease_client, tokenlease_client_free> handle_;
};

} // namespace tokenlease

#endif
