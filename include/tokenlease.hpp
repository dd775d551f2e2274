/*
 * tokenlease for C++17: classes that own the handles of tokenlease.h and throw its errors.
 *
 * The rules of tokenlease.h for threads, forks and secrets apply. A text that contains a NUL is an
 * error.
 */
#ifndef TOKENLEASE_HPP
#define TOKENLEASE_HPP

#include <tokenlease.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tokenlease {

using milliseconds = std::chrono::milliseconds;

/* A failed call. what() is the whole message; it contains no secret. */
class Error : public std::runtime_error {
  public:
    explicit Error(const tokenlease_error *error)
        : std::runtime_error(tokenlease_error_message(error)),
          status_(tokenlease_error_status(error)), detail_(tokenlease_error_detail(error)),
          http_status_(tokenlease_error_http_status(error)),
          retryable_(tokenlease_error_is_retryable(error)),
          retry_after_(known(tokenlease_error_retry_after_ms(error)))
    {
        if (const char *code = tokenlease_error_code(error)) {
            code_ = code;
        }
        if (const auto until = known(tokenlease_error_until_ms(error))) {
            using clock = std::chrono::system_clock;
            until_ = clock::time_point(std::chrono::duration_cast<clock::duration>(*until));
        }
    }

    /* The kind of the error. */
    tokenlease_status status() const noexcept { return status_; }
    /* Only what was wrong, without expectation and advice. */
    const std::string &detail() const noexcept { return detail_; }
    /* The HTTP status of the provider's response; 0 if no response was read. */
    int http_status() const noexcept { return http_status_; }
    /* The provider's error code; empty if it gave none. */
    const std::string &code() const noexcept { return code_; }
    /* Whether the same call may succeed later without a change. */
    bool is_retryable() const noexcept { return retryable_; }
    /* The wait that the provider asked for in Retry-After. */
    std::optional<milliseconds> retry_after() const noexcept { return retry_after_; }
    /* The time before which a retry fails with the same error. */
    std::optional<std::chrono::system_clock::time_point> until() const noexcept { return until_; }

  private:
    static std::optional<milliseconds> known(std::int64_t time) noexcept
    {
        return time == TOKENLEASE_NONE ? std::nullopt : std::optional(milliseconds(time));
    }

    tokenlease_status status_;
    std::string detail_;
    int http_status_;
    std::string code_;
    bool retryable_;
    std::optional<milliseconds> retry_after_;
    std::optional<std::chrono::system_clock::time_point> until_;
};

namespace detail {

template <typename Handle, void (*release)(Handle *)> struct Free {
    void operator()(Handle *handle) const noexcept { release(handle); }
};

template <typename Handle, void (*release)(Handle *)>
using Owned = std::unique_ptr<Handle, Free<Handle, release>>;

/* Runs a call, and throws its error if it fails. */
template <typename Call> void run(Call &&call)
{
    tokenlease_error *error = nullptr;
    if (call(&error) != TOKENLEASE_OK) {
        const Owned<tokenlease_error, tokenlease_error_free> owned(error);
        throw Error(error);
    }
}

inline std::int64_t millis(std::optional<milliseconds> time) noexcept
{
    return time ? static_cast<std::int64_t>(time->count()) : TOKENLEASE_NONE;
}

} // namespace detail

/* The secrets that a credentials function returns. */
struct Credentials {
    std::optional<std::string> password = {};
    std::optional<std::string> client_secret = {};
    /* The secret extra fields of the token request, by name (wyn, oauth2). */
    std::vector<std::pair<std::string, std::string>> extra_secrets = {};
};

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

/* What the functions of a store get as their user pointer. */
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
    try {
        return call() ? TOKENLEASE_STORE_DONE : TOKENLEASE_STORE_BUSY;
    } catch (const StoreRejected &rejected) {
        return failed(rejected.what(), TOKENLEASE_STORE_REJECTED);
    } catch (const std::exception &exception) {
        return failed(exception.what(), TOKENLEASE_STORE_UNAVAILABLE);
    } catch (...) {
        return failed("an exception of another type", TOKENLEASE_STORE_UNAVAILABLE);
    }
}

inline void answer(tokenlease_store_reply *reply, const std::optional<Record> &record,
                   milliseconds now)
{
    run([&](auto error) {
        return tokenlease_store_reply_set_time(reply, static_cast<std::int64_t>(now.count()),
                                               error);
    });
    if (record) {
        run([&](auto error) {
            return tokenlease_store_reply_set_record(reply, record->revision,
                                                     record->bytes.data(), record->bytes.size(),
                                                     error);
        });
    }
}

inline std::optional<milliseconds> known_millis(std::int64_t time) noexcept
{
    return time == TOKENLEASE_NONE ? std::nullopt : std::optional(milliseconds(time));
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
                run([&](auto error) {
                    return tokenlease_store_reply_set_revision(reply, *swapped.revision, error);
                });
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

/* Runs the checks that every store must pass; see tokenlease_store_check. Throws an error with the rule
   that the store breaks. pass lets the store's time pass; without it, the call waits. */
inline void check_store(std::shared_ptr<Store> store, milliseconds unit,
                        std::function<void(milliseconds)> pass = {})
{
    detail::StoreUser user{std::move(store), std::move(pass)};
    const tokenlease_store_functions functions = detail::store_functions();
    const tokenlease_store_pass_function passes =
        [](void *checked, std::int64_t time) noexcept -> std::int32_t {
        try {
            static_cast<detail::StoreUser *>(checked)->pass(milliseconds(time));
            return 0;
        } catch (...) {
            return -1;
        }
    };
    detail::run([&](auto error) {
        return tokenlease_store_check(&functions, &user, static_cast<std::int64_t>(unit.count()),
                                      user.pass ? passes : nullptr, error);
    });
}

/* An option that Config::set knows. The texts are static. */
struct Option {
    std::string_view name;
    std::string_view type;
    std::optional<std::string_view> default_value;
    /* Separated by spaces. */
    std::string_view providers;
    std::string_view meaning;
};

/* Returns the table of all options; see tokenlease_option_name and its siblings. */
inline std::vector<Option> options()
{
    std::vector<Option> table;
    for (std::size_t i = 0; i < tokenlease_option_count(); i++) {
        const char *value = tokenlease_option_default(i);
        table.push_back({tokenlease_option_name(i), tokenlease_option_type(i),
                         value ? std::optional<std::string_view>(value) : std::nullopt,
                         tokenlease_option_providers(i), tokenlease_option_meaning(i)});
    }
    return table;
}

/* Options and secrets for clients, or the options of a registry. */
class Config {
  public:
    Config()
    {
        tokenlease_config *config = nullptr;
        detail::run([&](auto error) { return tokenlease_config_new(&config, error); });
        handle_.reset(config);
    }

    /* Sets an option by name; see tokenlease_config_set. */
    Config &set(const std::string &name, const std::string &value)
    {
        detail::run([&](auto error) {
            return tokenlease_config_set(get(), name.data(), name.size(), value.data(),
                                         value.size(), error);
        });
        return *this;
    }

    /* Sets the user's password. */
    Config &set_password(const std::string &password)
    {
        detail::run([&](auto error) {
            return tokenlease_config_set_password(get(), password.data(), password.size(), error);
        });
        return *this;
    }

    /* Sets the client secret (wyn, oauth2). */
    Config &set_client_secret(const std::string &client_secret)
    {
        detail::run([&](auto error) {
            return tokenlease_config_set_client_secret(get(), client_secret.data(),
                                                       client_secret.size(), error);
        });
        return *this;
    }

    /* Adds a secret extra field; see tokenlease_config_add_extra_secret. */
    Config &add_extra_secret(const std::string &name, const std::string &value)
    {
        detail::run([&](auto error) {
            return tokenlease_config_add_extra_secret(get(), name.data(), name.size(), value.data(),
                                                      value.size(), error);
        });
        return *this;
    }

    /* Sets a secret by its name; see tokenlease_config_set_secret. */
    Config &set_secret(const std::string &name, const std::string &secret)
    {
        detail::run([&](auto error) {
            return tokenlease_config_set_secret(get(), name.data(), name.size(), secret.data(),
                                                secret.size(), error);
        });
        return *this;
    }

    /* Sets options and secrets from JSON text; see tokenlease_config_set_json. */
    Config &set_json(const std::string &json)
    {
        detail::run([&](auto error) {
            return tokenlease_config_set_json(get(), json.data(), json.size(), error);
        });
        return *this;
    }

    /* Reads a profile; see tokenlease_config_load_profile. */
    Config &load_profile(const std::string &profile,
                         const std::optional<std::string> &file = std::nullopt)
    {
        detail::run([&](auto error) {
            return tokenlease_config_load_profile(get(), file ? file->data() : nullptr,
                                                  file ? file->size() : 0, profile.data(),
                                                  profile.size(), error);
        });
        return *this;
    }

    /* Reads the environment; see tokenlease_config_load_environment. */
    Config &load_environment()
    {
        detail::run([&](auto error) { return tokenlease_config_load_environment(get(), error); });
        return *this;
    }

    /* Sets a store of your own; see tokenlease_config_set_store. */
    Config &set_store(std::shared_ptr<Store> store)
    {
        auto user = std::make_unique<detail::StoreUser>();
        user->store = std::move(store);
        const tokenlease_store_functions functions = detail::store_functions();
        detail::run([&](auto error) {
            return tokenlease_config_set_store(get(), &functions, user.get(), error);
        });
        user.release();
        return *this;
    }

    /* Sets a function that fetches the credentials; see
       tokenlease_config_set_credentials_function. If it throws, the call that needs the credentials
       fails with TOKENLEASE_CONFIG. */
    Config &set_credentials_function(std::function<Credentials()> fetch)
    {
        using Fetch = std::function<Credentials()>;
        auto user = std::make_unique<Fetch>(std::move(fetch));
        detail::run([&](auto error) {
            return tokenlease_config_set_credentials_function(
                get(),
                [](void *function, tokenlease_credentials *credentials) noexcept -> std::int32_t {
                    try {
                        const Credentials fetched = (*static_cast<Fetch *>(function))();
                        fill(fetched.password, credentials, tokenlease_credentials_set_password);
                        fill(fetched.client_secret, credentials,
                             tokenlease_credentials_set_client_secret);
                        for (const auto &[name, value] : fetched.extra_secrets) {
                            detail::run([&, &n = name, &v = value](auto error) {
                                return tokenlease_credentials_add_extra_secret(
                                    credentials, n.data(), n.size(), v.data(), v.size(), error);
                            });
                        }
                        return 0;
                    } catch (...) {
                        return -1;
                    }
                },
                user.get(), [](void *function) noexcept { delete static_cast<Fetch *>(function); },
                error);
        });
        user.release();
        return *this;
    }

    tokenlease_config *get() noexcept { return handle_.get(); }
    const tokenlease_config *get() const noexcept { return handle_.get(); }

  private:
    template <typename Set>
    static void fill(const std::optional<std::string> &secret, tokenlease_credentials *credentials,
                     Set set)
    {
        if (secret) {
            detail::run([&](auto error) { return set(credentials, secret->data(), secret->size(), error); });
        }
    }

    detail::Owned<tokenlease_config, tokenlease_config_free> handle_;
};

/* The store, the trusted certificates and the HTTP settings that several clients share. */
class Registry {
  public:
    /* Opens the store; see tokenlease_registry_new. */
    explicit Registry(const Config &config)
    {
        tokenlease_registry *registry = nullptr;
        detail::run([&](auto error) {
            return tokenlease_registry_new(config.get(), &registry, error);
        });
        handle_.reset(registry);
    }

    const tokenlease_registry *get() const noexcept { return handle_.get(); }

  private:
    detail::Owned<tokenlease_registry, tokenlease_registry_free> handle_;
};

/* A token. The destructor overwrites its text. */
class Token {
  public:
    /* Takes ownership of a handle. */
    explicit Token(tokenlease_token *token) noexcept : handle_(token) {}

    /* The secret text, valid until the token is destroyed. */
    std::string_view text() const noexcept
    {
        return {tokenlease_token_text(get()), tokenlease_token_length(get())};
    }

    /* How the token is presented to an API. */
    tokenlease_kind kind() const noexcept { return tokenlease_token_kind(get()); }

    const tokenlease_token *get() const noexcept { return handle_.get(); }

  private:
    detail::Owned<tokenlease_token, tokenlease_token_free> handle_;
};

/* Options of one call; see tokenlease_token_options. Not set: use the default. */
struct TokenOptions {
    std::optional<milliseconds> deadline;
    std::optional<milliseconds> min_remaining;
};

/* Gets, caches and shares the token of one identity. Each method calls the function of the same
   name in tokenlease.h, which documents it, and throws its errors. */
class Client {
  public:
    explicit Client(const Config &config) { make(config, nullptr); }
    Client(const Config &config, const Registry &registry) { make(config, registry.get()); }

    Token token() const
    {
        return token_by([&](auto token, auto error) {
            return tokenlease_client_token(get(), nullptr, token, error);
        });
    }

    Token token(const TokenOptions &options) const
    {
        return token_by([&](auto token, auto error) {
            tokenlease_token_options given = TOKENLEASE_TOKEN_OPTIONS_INIT;
            given.deadline_ms = detail::millis(options.deadline);
            given.min_remaining_ms = detail::millis(options.min_remaining);
            return tokenlease_client_token(get(), &given, token, error);
        });
    }

    Token token_from_text(const std::string &text) const
    {
        return token_by([&](auto token, auto error) {
            return tokenlease_client_token_from_text(get(), text.data(), text.size(), token,
                                                     error);
        });
    }

    /* Returns the replacement, or nothing if the reported token is active. */
    std::optional<Token> report_rejected(const Token &token) const
    {
        tokenlease_token *replacement = nullptr;
        detail::run([&](auto error) {
            return tokenlease_client_report_rejected(get(), token.get(), nullptr, &replacement, error);
        });
        return replacement ? std::optional<Token>(Token(replacement)) : std::nullopt;
    }

    bool validate(const Token &token) const
    {
        bool active = false;
        detail::run([&](auto error) {
            return tokenlease_client_validate(get(), token.get(), nullptr, &active, error);
        });
        return active;
    }

    Token refetch() const
    {
        return token_by([&](auto token, auto error) {
            return tokenlease_client_refetch(get(), nullptr, token, error);
        });
    }

    /* Returns whether the token was active before, and the provider then called it inactive. Throws an
       error with the status TOKENLEASE_NOT_REVOKED if the provider calls it active afterwards. */
    bool revoke(const Token &token) const
    {
        bool proven = false;
        detail::run([&](auto error) {
            return tokenlease_client_revoke(get(), token.get(), nullptr, &proven, error);
        });
        return proven;
    }

    void forget() const
    {
        detail::run([&](auto error) { return tokenlease_client_forget(get(), error); });
    }

    void unblock() const
    {
        detail::run([&](auto error) { return tokenlease_client_unblock(get(), error); });
    }

    void adopt(const Token &token, std::optional<milliseconds> lifetime = std::nullopt) const
    {
        detail::run([&](auto error) {
            return tokenlease_client_adopt(get(), token.get(), detail::millis(lifetime), error);
        });
    }

    void set_credentials(const Config &config) const
    {
        detail::run([&](auto error) {
            return tokenlease_client_set_credentials(get(), config.get(), error);
        });
    }

    std::string explain() const { return text_of(tokenlease_client_explain, 512); }

    /* The last logins, refetches and rejections, as JSON: see tokenlease_client_history. */
    std::string history() const { return text_of(tokenlease_client_history, 8192); }

    std::uint64_t count(tokenlease_count counter) const
    {
        std::uint64_t count = 0;
        detail::run([&](auto error) {
            return tokenlease_client_count(get(), counter, &count, error);
        });
        return count;
    }

    void close() const
    {
        detail::run([&](auto error) { return tokenlease_client_close(get(), nullptr, error); });
    }

    const tokenlease_client *get() const noexcept { return handle_.get(); }

  private:
    void make(const Config &config, const tokenlease_registry *registry)
    {
        tokenlease_client *client = nullptr;
        detail::run([&](auto error) {
            return tokenlease_client_new(config.get(), registry, &client, error);
        });
        handle_.reset(client);
    }

    template <typename Call> static Token token_by(Call &&call)
    {
        tokenlease_token *token = nullptr;
        detail::run([&](auto error) { return call(&token, error); });
        return Token(token);
    }

    /* The text of a function that writes into a buffer, and states how much it needs. */
    template <typename Call> std::string text_of(Call &&call, std::size_t size) const
    {
        std::string text;
        tokenlease_error *error = nullptr;
        tokenlease_status status = TOKENLEASE_OK;
        do {
            tokenlease_error_free(std::exchange(error, nullptr));
            text.resize(size + 1);
            status = call(get(), text.data(), text.size(), &size, &error);
        } while (status == TOKENLEASE_BUFFER_TOO_SMALL);
        detail::run([&](auto output) { return *output = error, status; });
        text.resize(size);
        return text;
    }

    detail::Owned<tokenlease_client, tokenlease_client_free> handle_;
};

} // namespace tokenlease

#endif
