/* Text arguments, and how texts that may be secret are overwritten. */
#ifndef TOKENLEASE_TEXT_HPP
#define TOKENLEASE_TEXT_HPP

#include <tokenlease.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace tokenlease {

namespace detail {

/* Overwrites a text with its unused capacity, and empties it. */
inline void wipe(std::string &text) noexcept
{
    // Not longer than the capacity, so that nothing is allocated.
    text.resize(text.capacity());
    // The compiler must not remove writes to a text that is about to be freed.
    volatile char *at = text.data();
    for (std::size_t left = text.size(); left > 0; left--) {
        *at++ = 0;
    }
    text.clear();
}

} // namespace detail

/* A text argument, borrowed for one call. */
class Text {
  public:
    Text(const char *text) noexcept : data_(text), length_(TOKENLEASE_NUL_TERMINATED) {}
    Text(std::string_view text) noexcept : data_(text.data()), length_(text.size())
    {
        if (!data_) {
            data_ = "";
        }
    }
    Text(const std::string &text) noexcept : data_(text.data()), length_(text.size()) {}
    /* Overwrites the text after the call. */
    Text(std::string &&text) noexcept
        : data_(text.data()), length_(text.size()), temporary_(&text)
    {
    }
    Text(const Text &) = delete;
    Text &operator=(const Text &) = delete;
    ~Text()
    {
        if (temporary_) {
            detail::wipe(*temporary_);
        }
    }

    const char *data() const noexcept { return data_; }
    /* The length in bytes, or TOKENLEASE_NUL_TERMINATED. */
    std::size_t length() const noexcept { return length_; }

  private:
    const char *data_;
    std::size_t length_;
    std::string *temporary_ = nullptr;
};

} // namespace tokenlease

#endif
