// A store class of the program's own passes the checks, is shared, and its exceptions become errors.
#include "cpp_support.hpp"

#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>

using namespace tokenlease;

class Memory : public Store {
  public:
    enum Fault { none, away, rejects, ignores_locks };

    Loaded load(const std::string &name) override
    {
        const std::lock_guard<std::mutex> guard(mutex_);
        fail();
        return {found(name), now};
    }

    Swapped swap(const std::string &name, std::optional<std::uint64_t> expected,
                 const std::vector<std::uint8_t> &record, std::optional<milliseconds>) override
    {
        const std::lock_guard<std::mutex> guard(mutex_);
        fail();
        const auto current = found(name);
        if ((current ? std::optional(current->revision) : std::nullopt) != expected) {
            return {std::nullopt, current, now};
        }
        records_[name] = {++newest_, record};
        return {newest_, std::nullopt, now};
    }

    bool lock(const std::string &name, const std::string &owner, milliseconds ttl) override
    {
        const std::lock_guard<std::mutex> guard(mutex_);
        fail();
        auto &lock = locks_[name];
        if (lock.second > now && lock.first != owner && fault != ignores_locks) {
            return false;
        }
        lock = {owner, now + ttl};
        return true;
    }

    bool renew(const std::string &name, const std::string &owner, milliseconds ttl) override
    {
        const std::lock_guard<std::mutex> guard(mutex_);
        fail();
        auto &lock = locks_[name];
        if (lock.second <= now || lock.first != owner) {
            return false;
        }
        lock.second = now + ttl;
        return true;
    }

    void unlock(const std::string &name, const std::string &owner) override
    {
        const std::lock_guard<std::mutex> guard(mutex_);
        fail();
        auto &lock = locks_[name];
        if (lock.first == owner) {
            lock.second = milliseconds(0);
        }
    }

    milliseconds now{1000000};
    Fault fault = none;

  private:
    std::optional<Record> found(const std::string &name) const
    {
        const auto at = records_.find(name);
        return at == records_.end() ? std::nullopt : std::optional(at->second);
    }

    void fail() const
    {
        if (fault == rejects) {
            throw StoreRejected("the disk is full");
        }
        if (fault == away) {
            throw std::runtime_error("the cable is cut");
        }
    }

    std::mutex mutex_;
    std::map<std::string, Record> records_;
    std::map<std::string, std::pair<std::string, milliseconds>> locks_;
    std::uint64_t newest_ = 0;
};

static std::string checked(Memory::Fault fault)
{
    const auto store = std::make_shared<Memory>();
    store->fault = fault;
    try {
        check_store(store, milliseconds(10000), [store](milliseconds time) { store->now += time; });
        return "";
    } catch (const Error &error) {
        EXPECT(error.status() == TOKENLEASE_STORE);
        return error.what();
    }
}

static Config config()
{
    Config config;
    const std::string winkas = env("OPTION_contract").empty() ? "null" : "\"" + env("OPTION_contract") + "\"";
    config.set_json("{\"provider\": \"" + env("OPTION_provider") + "\", \"server\": \""
                    + env("OPTION_server") + "\", \"contract\": " + winkas + "}");
    config.set("user", env("OPTION_user")).set_secret("password", env("PASSWORD"));
    if (!env("CLIENT_SECRET").empty()) {
        config.set_secret("client-secret", env("CLIENT_SECRET"));
    }
    return config;
}

int main()
{
    EXPECT(checked(Memory::none).empty());
    EXPECT(checked(Memory::away).find("the cable is cut") != std::string::npos);
    EXPECT(checked(Memory::rejects).find("the disk is full") != std::string::npos);
    EXPECT(checked(Memory::ignores_locks).find("breaks a rule") != std::string::npos);

    std::weak_ptr<Memory> watched;
    {
        const auto store = std::make_shared<Memory>();
        watched = store;
        std::string first;
        for (int i = 0; i < 2; i++) {
            Config options;
            options.set_store(store).set_secret("store-passphrase", "a passphrase");
            const Registry registry(options);
            const Client client(config(), registry);
            std::string text;
            client.copy_token(text);
            EXPECT(first.empty() || first == text);
            first = text;
            client.close();
        }
    }
    /* A thread of the library may be about to end its work for a client. */
    while (!watched.expired()) {
        std::this_thread::yield();
    }

    bool has_timeout = false;
    for (const Option &option : options()) {
        has_timeout |= option.name == "timeout" && option.default_value == "10s";
    }
    EXPECT(has_timeout);
    try {
        Config().load_profile("erp", "/no/such/file");
        return 1;
    } catch (const Error &error) {
        EXPECT(error.status() == TOKENLEASE_CONFIG);
    }
    Config().load_environment();
    return 0;
}
