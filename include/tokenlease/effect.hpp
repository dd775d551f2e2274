/* The effects of a machine, the requests that the program sends, and their answers. */
#ifndef TOKENLEASE_EFFECT_HPP
#define TOKENLEASE_EFFECT_HPP

#include <tokenlease/result.hpp>
#include <tokenlease/store.hpp>
#include <tokenlease/text.hpp>
#include <tokenlease/token.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tokenlease {

/* A request that the program sends with its own HTTP library, once; see tokenlease_request. The texts
   are valid until the effect or the exchange is destroyed, and may be secrets. */
class Request {
  public:
    explicit Request(const tokenlease_request *request) noexcept : request_(request) {}

    std::string_view method() const noexcept { return tokenlease_request_method(get()); }
    std::string_view url() const noexcept { return tokenlease_request_url(get()); }
    /* The names and values of the headers. */
    std::vector<std::pair<std::string_view, std::string_view>> headers() const
    {
        std::vector<std::pair<std::string_view, std::string_view>> headers;
        for (std::size_t i = 0; i < tokenlease_request_header_count(get()); i++) {
            headers.emplace_back(tokenlease_request_header_name(get(), i),
                                 tokenlease_request_header_value(get(), i));
        }
        return headers;
    }
    /* The bytes of the body. */
    std::string_view body() const noexcept
    {
        return {static_cast<const char *>(tokenlease_request_body(get())),
                tokenlease_request_body_length(get())};
    }

    const tokenlease_request *get() const noexcept { return request_; }

  private:
    const tokenlease_request *request_;
};

/* The answer to a request; see tokenlease_answer. */
struct Answer {
    /* The HTTP status, from 100 to 999. */
    int status = 0;
    /* The lines of the head as the server sent them. */
    std::string_view headers = {};
    /* The bytes of the body, as they arrived. */
    std::string_view body = {};
    /* Set if the body broke off: a text that says how. */
    std::optional<std::string> broke_off = {};
};

namespace detail {

inline tokenlease_answer given(const Answer &answer) noexcept
{
    tokenlease_answer given = TOKENLEASE_ANSWER_INIT;
    given.status = answer.status;
    given.headers = answer.headers.data();
    given.headers_length = answer.headers.size();
    given.body = answer.body.data();
    given.body_length = answer.body.size();
    given.broke_off = answer.broke_off ? answer.broke_off->c_str() : nullptr;
    return given;
}

} // namespace detail

/* Something that the host of a machine must do; see tokenlease_effect. Texts and bytes are valid until
   the effect is destroyed, the record until the effect has its outcome. */
class Effect {
  public:
    /* Takes ownership of a handle. */
    explicit Effect(tokenlease_effect *effect) noexcept : handle_(effect) {}

    tokenlease_action action() const noexcept { return tokenlease_effect_action(get()); }
    /* The time that is left, or how long to wait. */
    std::optional<milliseconds> timeout() const noexcept
    {
        return detail::known_millis(tokenlease_effect_timeout_ms(get()));
    }
    /* The request of TOKENLEASE_ACTION_SEND. */
    std::optional<Request> request() const noexcept
    {
        const tokenlease_request *request = tokenlease_effect_request(get());
        return request ? std::optional(Request(request)) : std::nullopt;
    }
    /* The name of the record in stores; empty if the effect is not about a store. */
    std::string_view record_name() const noexcept
    {
        return detail::view(tokenlease_effect_record_name(get()));
    }
    /* Empty if the effect is not about a lock. */
    std::string_view lock_owner() const noexcept
    {
        return detail::view(tokenlease_effect_lock_owner(get()));
    }
    std::optional<milliseconds> lock_ttl() const noexcept
    {
        return detail::known_millis(tokenlease_effect_lock_ttl_ms(get()));
    }
    /* The revision that a save expects; nothing if no record may be stored. */
    std::optional<std::uint64_t> expected_revision() const noexcept
    {
        const std::int64_t revision = tokenlease_effect_expected_revision(get());
        return revision == TOKENLEASE_NONE ? std::nullopt
                                           : std::optional(static_cast<std::uint64_t>(revision));
    }
    /* The bytes of the record to write, which are secret. */
    std::string_view record() const noexcept
    {
        return {static_cast<const char *>(tokenlease_effect_record(get())),
                tokenlease_effect_record_length(get())};
    }
    /* How long the record is of use; nothing if it must be kept. */
    std::optional<milliseconds> keep() const noexcept
    {
        return detail::known_millis(tokenlease_effect_keep_ms(get()));
    }

    Result<void> try_answered(const Answer &answer)
    {
        const tokenlease_answer given = detail::given(answer);
        return detail::attempt(
            [&](auto error) { return tokenlease_effect_answered(get(), &given, error); });
    }

    Result<void> try_not_sent(const Text &message)
    {
        return detail::attempt([&](auto error) {
            return tokenlease_effect_not_sent(get(), message.data(), message.length(), error);
        });
    }

    Result<void> try_lost(const Text &message)
    {
        return detail::attempt([&](auto error) {
            return tokenlease_effect_lost(get(), message.data(), message.length(), error);
        });
    }

    Result<void> try_perform()
    {
        return detail::attempt([&](auto error) { return tokenlease_effect_perform(get(), error); });
    }

    Result<void> try_loaded(const std::optional<Record> &record, milliseconds store_time)
    {
        return record_call(tokenlease_effect_loaded, record, store_time);
    }

    Result<void> try_lock_result(bool granted)
    {
        return detail::attempt(
            [&](auto error) { return tokenlease_effect_lock_result(get(), granted, error); });
    }

    Result<void> try_saved(std::uint64_t revision, milliseconds store_time)
    {
        return detail::attempt([&](auto error) {
            return tokenlease_effect_saved(get(), static_cast<std::int64_t>(revision),
                                           detail::millis(store_time), error);
        });
    }

    Result<void> try_conflict(const std::optional<Record> &found, milliseconds store_time)
    {
        return record_call(tokenlease_effect_conflict, found, store_time);
    }

    Result<void> try_unlocked()
    {
        return detail::attempt([&](auto error) { return tokenlease_effect_unlocked(get(), error); });
    }

    Result<void> try_store_failed(tokenlease_store_result result, const Text &message)
    {
        return detail::attempt([&](auto error) {
            return tokenlease_effect_store_failed(get(), result, message.data(), message.length(),
                                                  error);
        });
    }

#if TOKENLEASE_HAS_EXCEPTIONS
    void answered(const Answer &answer) { try_answered(answer).value(); }
    void not_sent(const Text &message) { try_not_sent(message).value(); }
    void lost(const Text &message) { try_lost(message).value(); }
    void perform() { try_perform().value(); }

    void loaded(const std::optional<Record> &record, milliseconds store_time)
    {
        try_loaded(record, store_time).value();
    }

    void lock_result(bool granted) { try_lock_result(granted).value(); }

    void saved(std::uint64_t revision, milliseconds store_time)
    {
        try_saved(revision, store_time).value();
    }

    void conflict(const std::optional<Record> &found, milliseconds store_time)
    {
        try_conflict(found, store_time).value();
    }

    void unlocked() { try_unlocked().value(); }

    void store_failed(tokenlease_store_result result, const Text &message)
    {
        try_store_failed(result, message).value();
    }
#endif

    tokenlease_effect *get() noexcept { return handle_.get(); }
    const tokenlease_effect *get() const noexcept { return handle_.get(); }

  private:
    template <typename Call>
    Result<void> record_call(Call &&call, const std::optional<Record> &record, milliseconds time)
    {
        return detail::attempt([&](auto error) {
            return record ? call(get(), static_cast<std::int64_t>(record->revision),
                                 record->bytes.data(), record->bytes.size(), detail::millis(time),
                                 error)
                          : call(get(), TOKENLEASE_NONE, nullptr, 0, detail::millis(time), error);
        });
    }

    detail::Owned<tokenlease_effect, tokenlease_effect_free> handle_;
};

} // namespace tokenlease

#endif
