/* A token. */
#ifndef TOKENLEASE_TOKEN_HPP
#define TOKENLEASE_TOKEN_HPP

#include <tokenlease/error.hpp>
#include <tokenlease/result.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tokenlease {

namespace detail {
class BorrowedToken;
}

/* A token. The destructor overwrites its text. */
class Token {
  public:
    /* Takes ownership of a handle. */
    explicit Token(tokenlease_token *token) noexcept : handle_(token) {}

    /* The secret text, valid until the token is destroyed. A temporary token has no text(), because
       the text would be freed at once: keep the token, or call Client::copy_token. */
    std::string_view text() const & noexcept
    {
        return {tokenlease_token_text(get()), tokenlease_token_length(get())};
    }
    std::string_view text() const && = delete;

    /* How the token is presented to an API. */
    tokenlease_kind kind() const noexcept { return tokenlease_token_kind(get()); }

    /* The secret value of the header "Authorization", valid like text(); empty for a token that does
       not go into a header (winkas). */
    std::string_view authorization() const & noexcept
    {
        return detail::view(tokenlease_token_authorization(get()));
    }
    std::string_view authorization() const && = delete;

    /* The name of the header in which the server's API takes the token, by the option "token_header";
       empty for a token that does not go into a header (winkas). */
    std::string_view header_name() const noexcept
    {
        return detail::view(tokenlease_token_header_name(get()));
    }

    /* The secret value of that header, valid like text(); empty like header_name(). */
    std::string_view header_value() const & noexcept
    {
        return detail::view(tokenlease_token_header_value(get()));
    }
    std::string_view header_value() const && = delete;

    /* The secret member "Token":"..." of a JSON body (winkas), valid like text(); empty for any other
       token. */
    std::string_view json_field() const & noexcept
    {
        return detail::view(tokenlease_token_json_field(get()));
    }
    std::string_view json_field() const && = delete;

    /* When the token expires, as it was known when the client returned it. */
    std::optional<std::chrono::system_clock::time_point> expires_at() const noexcept
    {
        return detail::known_time(tokenlease_token_expires_at_ms(get()));
    }
    /* How the expiry is known. */
    tokenlease_expiry expiry() const noexcept { return tokenlease_token_expiry(get()); }
    /* The time since the request for the token was sent. */
    std::optional<milliseconds> age() const noexcept
    {
        return detail::known_millis(tokenlease_token_age_ms(get()));
    }
    /* Where this process got the token. */
    tokenlease_source source() const noexcept { return tokenlease_token_source(get()); }
    /* The number of tokens of the identity up to and including this one. */
    std::optional<std::uint64_t> generation() const noexcept
    {
        const std::uint64_t generation = tokenlease_token_generation(get());
        return generation == 0 ? std::nullopt : std::optional(generation);
    }

    const tokenlease_token *get() const noexcept { return handle_.get(); }

  private:
    friend class detail::BorrowedToken;
    detail::Owned<tokenlease_token, tokenlease_token_free> handle_;
};

/* Options of one call; see tokenlease_token_options. Not set: use the default. */
struct TokenOptions {
    std::optional<milliseconds> deadline = {};
    std::optional<milliseconds> min_remaining = {};
};

/* Options of one call; see tokenlease_wait_options. Not set: use the default. */
struct WaitOptions {
    std::optional<milliseconds> deadline = {};
};

namespace detail {

/* A token that a function of the program borrows from the library. */
class BorrowedToken {
  public:
    // It is not freed, and a `const Token &` does not change it.
    explicit BorrowedToken(const tokenlease_token *token) noexcept
        : token_(const_cast<tokenlease_token *>(token))
    {
    }
    BorrowedToken(const BorrowedToken &) = delete;
    BorrowedToken &operator=(const BorrowedToken &) = delete;
    ~BorrowedToken() { static_cast<void>(token_.handle_.release()); }
    const Token &operator*() const noexcept { return token_; }

  private:
    Token token_;
};

/* Takes ownership of an output that may be NULL. */
inline std::optional<Token> owned(tokenlease_token *token) noexcept
{
    return token ? std::optional(Token(token)) : std::nullopt;
}

inline std::int64_t since_epoch(std::chrono::system_clock::time_point time) noexcept
{
    const auto since = std::chrono::duration_cast<milliseconds>(time.time_since_epoch());
    return static_cast<std::int64_t>(since.count());
}

inline std::int64_t millis(std::optional<milliseconds> time) noexcept
{
    return time ? static_cast<std::int64_t>(time->count()) : TOKENLEASE_NONE;
}

inline tokenlease_wait_options given(const WaitOptions &options) noexcept
{
    tokenlease_wait_options given = TOKENLEASE_WAIT_OPTIONS_INIT;
    given.deadline_ms = millis(options.deadline);
    return given;
}

/* The options in the form of C. */
class GivenOptions {
  public:
    explicit GivenOptions(const TokenOptions &options) noexcept
    {
        given_.deadline_ms = millis(options.deadline);
        given_.min_remaining_ms = millis(options.min_remaining);
        any_ = options.deadline || options.min_remaining;
    }
    /* NULL selects the defaults, with less work. */
    const tokenlease_token_options *get() const noexcept { return any_ ? &given_ : nullptr; }

  private:
    tokenlease_token_options given_ = TOKENLEASE_TOKEN_OPTIONS_INIT;
    bool any_;
};

} // namespace detail

} // namespace tokenlease

#endif
