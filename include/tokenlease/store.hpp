/* A store of the program's own. */
#ifndef TOKENLEASE_STORE_HPP
#define TOKENLEASE_STORE_HPP

#include <tokenlease/result.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tokenlease {

/* A record of a store, as bytes that the library encrypted, and its revision: 1 or more. */
struct Record {
    std::uint64_t revision = 0;
    std::vector<std::uint8_t> bytes = {};
};

/* Thrown by a method of a store that answers and rejects the call; any other exception means that the
   store is unavailable. what() is part of the error of the call that needs the store. */
class StoreRejected : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/* A store of your own. The types of functions tokenlease_store_*_function of tokenlease.h describe the
   methods, which several threads call at once. Check a new store with check_store. */
class Store {
  public:
    struct Loaded {
        std::optional<Record> record = {};
        /* The store's time. */
        milliseconds now = {};
    };
    struct Swapped {
        /* The new revision; nothing if the record has another revision than the expected one. */
        std::optional<std::uint64_t> revision = {};
        /* The record, if it has another revision. */
        std::optional<Record> found = {};
        milliseconds now = {};
    };

    virtual ~Store() = default;
    virtual Loaded load(const std::string &name) = 0;
    virtual Swapped swap(const std::string &name, std::optional<std::uint64_t> expected,
                         const std::vector<std::uint8_t> &record,
                         std::optional<milliseconds> keep) = 0;
    /* Returns whether the owner holds the lock. */
    virtual bool lock(const std::string &name, const std::string &owner, milliseconds ttl) = 0;
    virtual bool renew(const std::string &name, const std::string &owner, milliseconds ttl) = 0;
    virtual void unlock(const std::string &name, const std::string &owner) = 0;
};

namespace detail {

/* The user pointer of the functions of a store. */
struct StoreUser {
    std::shared_ptr<Store> store;
    std::function<void(milliseconds)> pass;
};

/* Runs a method of a store. An exception becomes a result and a message. */
template <typename Call>
std::int32_t store_call(tokenlease_store_reply *reply, Call &&call) noexcept
{
    const auto failed = [&](const char *why, std::int32_t result) {
        tokenlease_error *error = nullptr;
        if (tokenlease_store_reply_set_message(reply, TOKENLEASE_TEXT(why), &error)
            != TOKENLEASE_OK) {
            tokenlease_error_free(error);
        }
        return result;
    };
#if TOKENLEASE_HAS_EXCEPTIONS
    try {
        return call() ? TOKENLEASE_STORE_DONE : TOKENLEASE_STORE_BUSY;
    } catch (const StoreRejected &rejected) {
        return failed(rejected.what(), TOKENLEASE_STORE_REJECTED);
    } catch (const std::exception &exception) {
        return failed(exception.what(), TOKENLEASE_STORE_UNAVAILABLE);
    } catch (...) {
        return failed("an exception of another type", TOKENLEASE_STORE_UNAVAILABLE);
    }
#else
    static_cast<void>(failed);
    return call() ? TOKENLEASE_STORE_DONE : TOKENLEASE_STORE_BUSY;
#endif
}

inline void answer(tokenlease_store_reply *reply, const std::optional<Record> &record,
                   milliseconds now)
{
    attempt([&](auto error) {
        return tokenlease_store_reply_set_time(reply, static_cast<std::int64_t>(now.count()),
                                               error);
    }).value();
    if (record) {
        attempt([&](auto error) {
            return tokenlease_store_reply_set_record(reply, record->revision,
                                                     record->bytes.data(), record->bytes.size(),
                                                     error);
        }).value();
    }
}

inline tokenlease_store_functions store_functions() noexcept
{
    tokenlease_store_functions functions = TOKENLEASE_STORE_FUNCTIONS_INIT;
    functions.load = [](void *user, const char *name, tokenlease_store_reply *reply) noexcept {
        return store_call(reply, [&] {
            const auto loaded = static_cast<StoreUser *>(user)->store->load(name);
            answer(reply, loaded.record, loaded.now);
            return true;
        });
    };
    functions.swap = [](void *user, const char *name, std::uint64_t expected,
                        const std::uint8_t *record, std::size_t length, std::int64_t keep,
                        tokenlease_store_reply *reply) noexcept {
        return store_call(reply, [&] {
            const auto swapped = static_cast<StoreUser *>(user)->store->swap(
                name, expected ? std::optional(expected) : std::nullopt,
                std::vector<std::uint8_t>(record, record + length), known_millis(keep));
            answer(reply, swapped.found, swapped.now);
            if (swapped.revision) {
                attempt([&](auto error) {
                    return tokenlease_store_reply_set_revision(reply, *swapped.revision, error);
                }).value();
            }
            return swapped.revision.has_value();
        });
    };
    functions.lock = [](void *user, const char *name, const char *owner, std::int64_t ttl,
                        tokenlease_store_reply *reply) noexcept {
        return store_call(reply, [&] {
            return static_cast<StoreUser *>(user)->store->lock(name, owner, milliseconds(ttl));
        });
    };
    functions.renew = [](void *user, const char *name, const char *owner, std::int64_t ttl,
                         tokenlease_store_reply *reply) noexcept {
        return store_call(reply, [&] {
            return static_cast<StoreUser *>(user)->store->renew(name, owner, milliseconds(ttl));
        });
    };
    functions.unlock = [](void *user, const char *name, const char *owner,
                          tokenlease_store_reply *reply) noexcept {
        return store_call(reply, [&] {
            static_cast<StoreUser *>(user)->store->unlock(name, owner);
            return true;
        });
    };
    functions.drop = [](void *user) noexcept { delete static_cast<StoreUser *>(user); };
    return functions;
}

} // namespace detail

/* Runs the checks that every store must pass; see tokenlease_store_check. The error names the rule that
   the store breaks. pass lets the store's time pass; without it, the call waits. */
inline Result<void> try_check_store(std::shared_ptr<Store> store, milliseconds unit,
                                    std::function<void(milliseconds)> pass = {})
{
    detail::StoreUser user{std::move(store), std::move(pass)};
    const tokenlease_store_functions functions = detail::store_functions();
    const tokenlease_store_pass_function passes =
        [](void *checked, std::int64_t time) noexcept -> std::int32_t {
#if TOKENLEASE_HAS_EXCEPTIONS
        try {
            static_cast<detail::StoreUser *>(checked)->pass(milliseconds(time));
            return 0;
        } catch (...) {
            return -1;
        }
#else
        static_cast<detail::StoreUser *>(checked)->pass(milliseconds(time));
        return 0;
#endif
    };
    return detail::attempt([&](auto error) {
        return tokenlease_store_check(&functions, &user, static_cast<std::int64_t>(unit.count()),
                                      user.pass ? passes : nullptr, error);
    });
}

#if TOKENLEASE_HAS_EXCEPTIONS
inline void check_store(std::shared_ptr<Store> store, milliseconds unit,
                        std::function<void(milliseconds)> pass = {})
{
    try_check_store(std::move(store), unit, std::move(pass)).value();
}
#endif

} // namespace tokenlease

#endif
