/* The details of a failed call. */
#ifndef TOKENLEASE_ERROR_HPP
#define TOKENLEASE_ERROR_HPP

#include <tokenlease.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>

#if defined(__has_include)
#if __has_include(<version>)
#include <version>
#endif
#endif
#ifdef __cpp_lib_format
#include <format>
#endif

namespace tokenlease {

using milliseconds = std::chrono::milliseconds;

namespace detail {

inline std::string_view view(const char *text) noexcept { return text ? text : ""; }

inline std::optional<milliseconds> known_millis(std::int64_t time) noexcept
{
    return time == TOKENLEASE_NONE ? std::nullopt : std::optional(milliseconds(time));
}

/* Reads a time in milliseconds since 1970-01-01T00:00:00Z. */
inline std::optional<std::chrono::system_clock::time_point> known_time(std::int64_t time) noexcept
{
    using clock = std::chrono::system_clock;
    if (const auto since = known_millis(time)) {
        return clock::time_point(std::chrono::duration_cast<clock::duration>(*since));
    }
    return std::nullopt;
}

} // namespace detail

/* A failed call. what() is the whole message; it contains no secret. Copies share the details, so
   copying does not throw. The texts are valid as long as one of the copies. */
class Error : public std::exception {
  public:
    /* Takes ownership of a handle. */
    explicit Error(tokenlease_error *error) : handle_(error, tokenlease_error_free) {}

    const char *what() const noexcept override
    {
        const char *message = tokenlease_error_message(get());
        return message ? message : "no error";
    }
    /* The kind of the error. */
    tokenlease_status status() const noexcept { return tokenlease_error_status(get()); }
    /* Only what was wrong, without expectation and advice. */
    std::string_view detail() const noexcept { return view(tokenlease_error_detail(get())); }
    /* The HTTP status of the provider's response; 0 if no response was read. */
    int http_status() const noexcept { return tokenlease_error_http_status(get()); }
    /* The provider's error code; empty if it gave none. */
    std::string_view code() const noexcept { return view(tokenlease_error_code(get())); }
    /* Whether the same call may succeed later without a change. */
    bool is_retryable() const noexcept { return tokenlease_error_is_retryable(get()); }
    /* The wait that the provider asked for in Retry-After. */
    std::optional<milliseconds> retry_after() const noexcept
    {
        return tokenlease::detail::known_millis(tokenlease_error_retry_after_ms(get()));
    }
    /* The time before which a retry fails with the same error. */
    std::optional<std::chrono::system_clock::time_point> until() const noexcept
    {
        return tokenlease::detail::known_time(tokenlease_error_until_ms(get()));
    }

    const tokenlease_error *get() const noexcept { return handle_.get(); }

  private:
    static std::string_view view(const char *text) noexcept
    {
        return tokenlease::detail::view(text);
    }

    std::shared_ptr<tokenlease_error> handle_;
};

} // namespace tokenlease

#ifdef __cpp_lib_format
/* Formats an error as its message, with the options of a string: std::format("{}", error). */
template <> struct std::formatter<tokenlease::Error> : std::formatter<std::string_view> {
    template <typename Context> auto format(const tokenlease::Error &error, Context &context) const
    {
        return std::formatter<std::string_view>::format(error.what(), context);
    }
};
#endif

#endif
