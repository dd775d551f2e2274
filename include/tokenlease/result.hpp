/* The results of the try_ forms of calls: a value or an error, as std::expected of C++23. */
#ifndef TOKENLEASE_RESULT_HPP
#define TOKENLEASE_RESULT_HPP

#include <tokenlease/error.hpp>
#include <tokenlease/text.hpp>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define TOKENLEASE_HAS_EXCEPTIONS 1
#else
#define TOKENLEASE_HAS_EXCEPTIONS 0
#endif

#if defined(__GNUC__)
#define TOKENLEASE_RARE __attribute__((noinline, cold))
#else
#define TOKENLEASE_RARE
#endif

namespace tokenlease {

namespace detail {

[[noreturn]] inline void fail(const Error &error)
{
#if TOKENLEASE_HAS_EXCEPTIONS
    throw error;
#else
    static_cast<void>(error);
    std::abort();
#endif
}

} // namespace detail

/* A value or an error. value() throws the error if there is no value; with -fno-exceptions, it aborts
   the program. *result and result-> need a value, and error() needs an error. */
template <typename Value> class [[nodiscard]] Result {
  public:
    Result(Value value) : outcome_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : outcome_(std::in_place_index<1>, std::move(error)) {}

    bool has_value() const noexcept { return outcome_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    const Value &value() const & { return checked(), **this; }
    Value &value() & { return checked(), **this; }
    Value &&value() && { return checked(), *std::move(*this); }

    const Value &operator*() const & noexcept { return *std::get_if<0>(&outcome_); }
    Value &operator*() & noexcept { return *std::get_if<0>(&outcome_); }
    Value &&operator*() && noexcept { return std::move(*std::get_if<0>(&outcome_)); }
    const Value *operator->() const noexcept { return std::get_if<0>(&outcome_); }
    Value *operator->() noexcept { return std::get_if<0>(&outcome_); }

    const Error &error() const & noexcept { return *std::get_if<1>(&outcome_); }
    Error error() && noexcept { return *std::get_if<1>(&outcome_); }

  private:
    void checked() const
    {
        if (!has_value()) {
            detail::fail(error());
        }
    }

    std::variant<Value, Error> outcome_;
};

/* Success or an error. */
template <> class [[nodiscard]] Result<void> {
  public:
    Result() noexcept = default;
    Result(Error error) : error_(std::move(error)) {}

    bool has_value() const noexcept { return !error_; }
    explicit operator bool() const noexcept { return has_value(); }
    void value() const
    {
        if (error_) {
            detail::fail(*error_);
        }
    }
    const Error &error() const & noexcept { return *error_; }
    Error error() && noexcept { return *error_; }

  private:
    std::optional<Error> error_;
};

namespace detail {

template <typename Handle, void (*release)(Handle *)> struct Free {
    void operator()(Handle *handle) const noexcept { release(handle); }
};

template <typename Handle, void (*release)(Handle *)>
using Owned = std::unique_ptr<Handle, Free<Handle, release>>;

/* Runs a call. */
template <typename Call> Result<void> attempt(Call &&call)
{
    tokenlease_error *error = nullptr;
    return call(&error) == TOKENLEASE_OK ? Result<void>() : Result<void>(Error(error));
}

/* Runs a call that writes an output, and makes the value from it. */
template <typename Value, typename Output, typename Call> Result<Value> attempt_for(Call &&call)
{
    Output output = {};
    const Result<void> done = attempt([&](auto error) { return call(&output, error); });
    return done ? Result<Value>(Value(output)) : Result<Value>(done.error());
}

/* Runs a call that writes a text into a buffer again, after it failed. Not inline, so that the calls that
   do not fail are. */
template <typename Call>
TOKENLEASE_RARE Result<void> attempt_text_again(std::string &text, Call &&call, tokenlease_status status,
                                std::size_t length, tokenlease_error *error)
{
    while (status != TOKENLEASE_OK) {
        Error failure(std::exchange(error, nullptr));
        if (status != TOKENLEASE_BUFFER_TOO_SMALL) {
            return failure;
        }
        // The text may be a secret, and a string that grows frees its memory as it is.
        wipe(text);
        text.resize(length);
        status = call(text.data(), text.size() + 1, &length, &error);
    }
    text.resize(length);
    return {};
}

/* Runs a call that writes a text into a buffer. Begins with the length that the text has. */
template <typename Call> Result<void> attempt_text(std::string &text, Call &&call)
{
    std::size_t length = 0;
    tokenlease_error *error = nullptr;
    // The library may write the terminating NUL, which a string has anyway.
    const tokenlease_status status = call(text.data(), text.size() + 1, &length, &error);
    if (status == TOKENLEASE_OK && length == text.size()) {
        return {};
    }
    return attempt_text_again(text, std::forward<Call>(call), status, length, error);
}

/* Returns the text that a function of C writes about a handle. Begins with a buffer of this size. */
template <typename Handle, typename Function>
Result<std::string> text_of(const Handle *handle, Function function, std::size_t size)
{
    std::string text(size, '\0');
    const auto done =
        attempt_text(text, [&](auto... buffer) { return function(handle, buffer...); });
    return done ? Result<std::string>(std::move(text)) : Result<std::string>(done.error());
}

} // namespace detail

} // namespace tokenlease

#endif
