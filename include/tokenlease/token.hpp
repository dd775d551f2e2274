/* A token. */
#ifndef TOKENLEASE_TOKEN_HPP
#define TOKENLEASE_TOKEN_HPP

#include <tokenlease/error.hpp>
#include <tokenlease/result.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace tokenlease {

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

    const tokenlease_token *get() const noexcept { return handle_.get(); }

  private:
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
