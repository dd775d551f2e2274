/* One request to the provider, and the meaning of its answer. */
#ifndef TOKENLEASE_EXCHANGE_HPP
#define TOKENLEASE_EXCHANGE_HPP

#include <tokenlease/config.hpp>
#include <tokenlease/effect.hpp>
#include <tokenlease/result.hpp>
#include <tokenlease/token.hpp>

#include <cstdint>
#include <optional>

namespace tokenlease {

/* The meaning of an answer; see tokenlease_exchange_read. */
struct ExchangeResult {
    tokenlease_result result = TOKENLEASE_RESULT_DONE;
    std::optional<Token> token = {};
    /* The token's lifetime from when the request was sent, if the provider states one. */
    std::optional<milliseconds> lifetime = {};
};

/* Request bytes out, answer bytes in; see tokenlease_exchange. It has no store and no state, so nothing
   bounds the logins of a program that uses it: prefer a Client or a Machine. */
class Exchange {
  public:
    /* Takes ownership of a handle. */
    explicit Exchange(tokenlease_exchange *exchange) noexcept : handle_(exchange) {}

    /* Makes an exchange that is about no token. */
    static Result<Exchange> try_create(const Config &config, tokenlease_exchange_kind kind)
    {
        return create(config, nullptr, kind, nullptr);
    }
    static Result<Exchange> try_create(const Config &config, const Registry &registry,
                                       tokenlease_exchange_kind kind)
    {
        return create(config, registry.get(), kind, nullptr);
    }
    /* Makes an exchange that is about a token. */
    static Result<Exchange> try_create(const Config &config, tokenlease_exchange_kind kind,
                                       const Token &token)
    {
        return create(config, nullptr, kind, token.get());
    }
    static Result<Exchange> try_create(const Config &config, const Registry &registry,
                                       tokenlease_exchange_kind kind, const Token &token)
    {
        return create(config, registry.get(), kind, token.get());
    }

    /* The request to send. */
    Request request() const noexcept { return Request(tokenlease_exchange_request(get())); }

    Result<ExchangeResult> try_read(const Answer &answer) const
    {
        const tokenlease_answer given = detail::given(answer);
        tokenlease_result result = {};
        tokenlease_token *token = nullptr;
        std::int64_t lifetime = TOKENLEASE_NONE;
        const auto done = detail::attempt([&](auto error) {
            return tokenlease_exchange_read(get(), &given, &result, &token, &lifetime, error);
        });
        if (!done) {
            return done.error();
        }
        return ExchangeResult{result, detail::owned(token), detail::known_millis(lifetime)};
    }

#if TOKENLEASE_HAS_EXCEPTIONS
    Exchange(const Config &config, tokenlease_exchange_kind kind)
        : Exchange(try_create(config, kind).value())
    {
    }
    Exchange(const Config &config, const Registry &registry, tokenlease_exchange_kind kind)
        : Exchange(try_create(config, registry, kind).value())
    {
    }
    Exchange(const Config &config, tokenlease_exchange_kind kind, const Token &token)
        : Exchange(try_create(config, kind, token).value())
    {
    }
    Exchange(const Config &config, const Registry &registry, tokenlease_exchange_kind kind,
             const Token &token)
        : Exchange(try_create(config, registry, kind, token).value())
    {
    }

    ExchangeResult read(const Answer &answer) const { return try_read(answer).value(); }
#endif

    const tokenlease_exchange *get() const noexcept { return handle_.get(); }

  private:
    static Result<Exchange> create(const Config &config, const tokenlease_registry *registry,
                                   tokenlease_exchange_kind kind, const tokenlease_token *token)
    {
        return detail::attempt_for<Exchange, tokenlease_exchange *>([&](auto exchange, auto error) {
            return tokenlease_exchange_new(config.get(), registry, kind, token, exchange, error);
        });
    }

    detail::Owned<tokenlease_exchange, tokenlease_exchange_free> handle_;
};

} // namespace tokenlease

#endif
