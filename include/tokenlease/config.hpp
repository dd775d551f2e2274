/* Options and secrets, and the registry that several clients share. */
#ifndef TOKENLEASE_CONFIG_HPP
#define TOKENLEASE_CONFIG_HPP

#include <tokenlease/result.hpp>
#include <tokenlease/store.hpp>
#include <tokenlease/text.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tokenlease {

/* The secrets that a credentials function returns. The destructor overwrites them. */
struct Credentials {
    std::optional<std::string> password = {};
    std::optional<std::string> client_secret = {};
    /* The secret extra fields of the token request, by name (wyn, oauth2). */
    std::vector<std::pair<std::string, std::string>> extra_secrets = {};

    ~Credentials()
    {
        for (auto *secret : {&password, &client_secret}) {
            if (*secret) {
                detail::wipe(**secret);
            }
        }
        for (auto &extra : extra_secrets) {
            detail::wipe(extra.second);
        }
    }
};

/* A function that gets the entries of the log: a tokenlease_log_level, the event's name, and what
   happened in words. */
using LogFunction = std::function<void(std::int32_t, std::string_view, std::string_view)>;

/* Options and secrets for clients, or the options of a registry. */
class Config {
  public:
    /* Takes ownership of a handle. */
    explicit Config(tokenlease_config *config) noexcept : handle_(config) {}

    static Result<Config> try_create()
    {
        return detail::attempt_for<Config, tokenlease_config *>(tokenlease_config_new);
    }

    /* Sets an option by name; see tokenlease_config_set. */
    Result<void> try_set(const Text &name, const Text &value)
    {
        return detail::attempt([&](auto error) {
            return tokenlease_config_set(get(), name.data(), name.length(), value.data(),
                                         value.length(), error);
        });
    }

    /* Sets the user's password. */
    Result<void> try_set_password(const Text &password)
    {
        return detail::attempt([&](auto error) {
            return tokenlease_config_set_password(get(), password.data(), password.length(), error);
        });
    }

    /* Sets the client secret (wyn, oauth2). */
    Result<void> try_set_client_secret(const Text &client_secret)
    {
        return detail::attempt([&](auto error) {
            return tokenlease_config_set_client_secret(get(), client_secret.data(),
                                                       client_secret.length(), error);
        });
    }

    /* Adds a secret extra field; see tokenlease_config_add_extra_secret. */
    Result<void> try_add_extra_secret(const Text &name, const Text &value)
    {
        return detail::attempt([&](auto error) {
            return tokenlease_config_add_extra_secret(get(), name.data(), name.length(),
                                                      value.data(), value.length(), error);
        });
    }

    /* Sets a secret by its name; see tokenlease_config_set_secret. */
    Result<void> try_set_secret(const Text &name, const Text &secret)
    {
        return detail::attempt([&](auto error) {
            return tokenlease_config_set_secret(get(), name.data(), name.length(), secret.data(),
                                                secret.length(), error);
        });
    }

    /* Sets options and secrets from JSON text; see tokenlease_config_set_json. */
    Result<void> try_set_json(const Text &json)
    {
        return detail::attempt([&](auto error) {
            return tokenlease_config_set_json(get(), json.data(), json.length(), error);
        });
    }

    /* Reads a profile, of the user's file or of another; see tokenlease_config_load_profile. */
    Result<void> try_load_profile(const Text &profile)
    {
        return load_profile_of(nullptr, 0, profile);
    }
    Result<void> try_load_profile(const Text &profile, const Text &file)
    {
        return load_profile_of(file.data(), file.length(), profile);
    }

    /* Reads the environment; see tokenlease_config_load_environment. */
    Result<void> try_load_environment()
    {
        return detail::attempt(
            [&](auto error) { return tokenlease_config_load_environment(get(), error); });
    }

    /* Sets a store of your own; see tokenlease_config_set_store. */
    Result<void> try_set_store(std::shared_ptr<Store> store)
    {
        auto user = std::make_unique<detail::StoreUser>();
        user->store = std::move(store);
        const tokenlease_store_functions functions = detail::store_functions();
        auto done = detail::attempt([&](auto error) {
            return tokenlease_config_set_store(get(), &functions, user.get(), error);
        });
        if (done) {
            // The library owns the store now.
            static_cast<void>(user.release());
        }
        return done;
    }

    /* Sets a function that fetches the credentials; see
       tokenlease_config_set_credentials_function. If it throws or returns an error, the call that needs
       the credentials fails with TOKENLEASE_CONFIG. */
    Result<void> try_set_credentials_function(std::function<Credentials()> fetch)
    {
        return own(std::move(fetch), [&](auto user, auto error) {
            return tokenlease_config_set_credentials_function(get(), run, user, drop<Fetch>, error);
        });
    }

    /* Sets a function that gets the events of the clients that are made from the config; see
       tokenlease_config_set_log_function. An empty function turns the log off. If it throws, the
       exception is ignored. */
    Result<void> try_set_log_function(LogFunction function)
    {
        if (!function) {
            return detail::attempt([&](auto error) {
                return tokenlease_config_set_log_function(get(), nullptr, nullptr, nullptr, error);
            });
        }
        return own(std::move(function), [&](auto user, auto error) {
            return tokenlease_config_set_log_function(get(), write, user, drop<LogFunction>, error);
        });
    }

#if TOKENLEASE_HAS_EXCEPTIONS
    Config() : Config(try_create().value()) {}

    Config &set(const Text &name, const Text &value)
    {
        try_set(name, value).value();
        return *this;
    }

    Config &set_password(const Text &password)
    {
        try_set_password(password).value();
        return *this;
    }

    Config &set_client_secret(const Text &client_secret)
    {
        try_set_client_secret(client_secret).value();
        return *this;
    }

    Config &add_extra_secret(const Text &name, const Text &value)
    {
        try_add_extra_secret(name, value).value();
        return *this;
    }

    Config &set_secret(const Text &name, const Text &secret)
    {
        try_set_secret(name, secret).value();
        return *this;
    }

    Config &set_json(const Text &json)
    {
        try_set_json(json).value();
        return *this;
    }

    Config &load_profile(const Text &profile)
    {
        try_load_profile(profile).value();
        return *this;
    }

    Config &load_profile(const Text &profile, const Text &file)
    {
        try_load_profile(profile, file).value();
        return *this;
    }

    Config &load_environment()
    {
        try_load_environment().value();
        return *this;
    }

    Config &set_store(std::shared_ptr<Store> store)
    {
        try_set_store(std::move(store)).value();
        return *this;
    }

    Config &set_credentials_function(std::function<Credentials()> fetch)
    {
        try_set_credentials_function(std::move(fetch)).value();
        return *this;
    }

    Config &set_log_function(LogFunction function)
    {
        try_set_log_function(std::move(function)).value();
        return *this;
    }
#endif

    tokenlease_config *get() noexcept { return handle_.get(); }
    const tokenlease_config *get() const noexcept { return handle_.get(); }

  private:
    using Fetch = std::function<Credentials()>;

    Result<void> load_profile_of(const char *file, std::size_t length, const Text &profile)
    {
        return detail::attempt([&](auto error) {
            return tokenlease_config_load_profile(get(), file, length, profile.data(),
                                                  profile.length(), error);
        });
    }

    static std::int32_t TOKENLEASE_CALL run(void *function,
                                            tokenlease_credentials *credentials) noexcept
    {
#if TOKENLEASE_HAS_EXCEPTIONS
        try {
            return fill(*static_cast<Fetch *>(function), credentials) ? 0 : -1;
        } catch (...) {
            return -1;
        }
#else
        return fill(*static_cast<Fetch *>(function), credentials) ? 0 : -1;
#endif
    }

    static void TOKENLEASE_CALL write(void *function, std::int32_t level, const char *event,
                                      const char *text) noexcept
    {
#if TOKENLEASE_HAS_EXCEPTIONS
        try {
            (*static_cast<LogFunction *>(function))(level, event, text);
        } catch (...) {
            // The log must not fail the call that writes to it.
        }
#else
        (*static_cast<LogFunction *>(function))(level, event, text);
#endif
    }

    /* Passes a function to the library, which owns it if the call succeeds. */
    template <typename Function, typename Call>
    static Result<void> own(Function function, Call &&call)
    {
        auto user = std::make_unique<Function>(std::move(function));
        auto done = detail::attempt([&](auto error) { return call(user.get(), error); });
        if (done) {
            static_cast<void>(user.release());
        }
        return done;
    }

    template <typename Function> static void TOKENLEASE_CALL drop(void *function) noexcept
    {
        delete static_cast<Function *>(function);
    }

    static bool fill(const Fetch &fetch, tokenlease_credentials *credentials)
    {
        const Credentials fetched = fetch();
        const auto &[password, client_secret, extra_secrets] = fetched;
        bool done = true;
        if (password) {
            done = tokenlease_credentials_set_password(credentials, password->data(),
                                                       password->size(), nullptr)
                   == TOKENLEASE_OK;
        }
        if (done && client_secret) {
            done = tokenlease_credentials_set_client_secret(credentials, client_secret->data(),
                                                            client_secret->size(), nullptr)
                   == TOKENLEASE_OK;
        }
        for (const auto &[name, value] : extra_secrets) {
            done = done
                   && tokenlease_credentials_add_extra_secret(credentials, name.data(), name.size(),
                                                              value.data(), value.size(), nullptr)
                          == TOKENLEASE_OK;
        }
        return done;
    }

    detail::Owned<tokenlease_config, tokenlease_config_free> handle_;
};

/* The store, the trusted certificates and the HTTP settings that several clients share. */
class Registry {
  public:
    /* Takes ownership of a handle. */
    explicit Registry(tokenlease_registry *registry) noexcept : handle_(registry) {}

    /* Opens the store; see tokenlease_registry_new. */
    static Result<Registry> try_create(const Config &config)
    {
        return detail::attempt_for<Registry, tokenlease_registry *>(
            [&](auto registry, auto error) {
                return tokenlease_registry_new(config.get(), registry, error);
            });
    }

    /* Lists the live tokens that the config selects, in JSON; see tokenlease_registry_entries. */
    Result<std::string> try_entries(const Config &filter) const
    {
        return report_of([&](auto report, auto error) {
            return tokenlease_registry_entries(get(), filter.get(), report, error);
        });
    }

    /* Ends the tokens that the config selects, and returns the report in JSON; see
       tokenlease_registry_end. */
    Result<std::string> try_end(const Config &filter, tokenlease_end_by by) const
    {
        return report_of([&](auto report, auto error) {
            return tokenlease_registry_end(get(), filter.get(), by, report, error);
        });
    }

    /* Counts what all clients of the registry did, in JSON; see tokenlease_registry_counts. */
    Result<std::string> try_counts() const
    {
        return report_of([&](auto report, auto error) {
            return tokenlease_registry_counts(get(), report, error);
        });
    }

#if TOKENLEASE_HAS_EXCEPTIONS
    explicit Registry(const Config &config) : Registry(try_create(config).value()) {}

    std::string entries(const Config &filter) const { return try_entries(filter).value(); }

    std::string end(const Config &filter, tokenlease_end_by by) const
    {
        return try_end(filter, by).value();
    }

    std::string counts() const { return try_counts().value(); }
#endif

    const tokenlease_registry *get() const noexcept { return handle_.get(); }

  private:
    using Report = detail::Owned<tokenlease_report, tokenlease_report_free>;

    template <typename Call> static Result<std::string> report_of(Call &&call)
    {
        auto report = detail::attempt_for<Report, tokenlease_report *>(std::forward<Call>(call));
        return report ? Result<std::string>(std::string(tokenlease_report_json(report->get())))
                      : Result<std::string>(report.error());
    }

    detail::Owned<tokenlease_registry, tokenlease_registry_free> handle_;
};

} // namespace tokenlease

#endif
