// The try_ forms return errors. Compiled with -fno-exceptions and -fno-rtti.
#include <tokenlease.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <type_traits>

using namespace tokenlease;

#define EXPECT(condition)                                                                    \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);     \
            std::exit(1);                                                                    \
        }                                                                                    \
    } while (0)

// Without exceptions, constructors could not report an error.
static_assert(!std::is_constructible_v<Client, const Config &>);
static_assert(!std::is_default_constructible_v<Config>);

// A store that forgets everything.
class Forgetful : public Store {
  public:
    Loaded load(const std::string &) override { return {}; }
    Swapped swap(const std::string &, std::optional<std::uint64_t>, const std::vector<std::uint8_t> &,
                 std::optional<milliseconds>) override
    {
        return {1, {}, {}};
    }
    bool lock(const std::string &, const std::string &, milliseconds) override { return true; }
    bool renew(const std::string &, const std::string &, milliseconds) override { return true; }
    void unlock(const std::string &, const std::string &) override {}
};

static void configs_return_errors()
{
    Result<Config> config = Config::try_create();
    EXPECT(config && config->try_load_environment());
    EXPECT(config->try_load_profile("erp", "/no/such/file").error().status() == TOKENLEASE_CONFIG);
    EXPECT(config->try_set_json("{\"deadline\": \"20s\"}"));
    EXPECT(config->try_set_json("[]").error().status() == TOKENLEASE_CONFIG);
    EXPECT(config->try_set_password("x") && config->try_set_client_secret("x"));
    const auto store = std::make_shared<Forgetful>();
    Result<Config> shared = Config::try_create();
    EXPECT(shared && shared->try_set_secret("store-passphrase", "a passphrase"));
    EXPECT(shared->try_set_store(store) && Registry::try_create(*shared));
    const auto pass = [](milliseconds) {};
    EXPECT(try_check_store(store, milliseconds(10000), pass).error().status() == TOKENLEASE_STORE);
}

static const char *env(const char *name) { return std::getenv(name); }

int main()
{
    configs_return_errors();
    const bool winkas = std::string(env("OPTION_provider")) == "winkas";
    Result<Config> made = Config::try_create();
    EXPECT(made);
    Config config = *std::move(made);
    EXPECT(config.try_set("provider", env("OPTION_provider")));
    EXPECT(config.try_set("server", env("OPTION_server")));
    EXPECT(config.try_set("user", env("OPTION_user")));
    const Result<Client> incomplete = Client::try_create(config);
    EXPECT(!incomplete && incomplete.error().status() == TOKENLEASE_CONFIG);
    if (winkas) {
        EXPECT(config.try_set("contract", env("OPTION_contract")));
    }
    const Result<void> unknown = config.try_set("usr", "x");
    EXPECT(!unknown && unknown.error().detail() == "there is no option \"usr\"");
    // The error outlives its result.
    const Error error = config.try_set("usr", "x").error();
    EXPECT(error.status() == TOKENLEASE_CONFIG && std::string(error.what()).size() > 20);
    EXPECT(config.try_add_extra_secret("x", nullptr).error().status() == TOKENLEASE_BAD_ARGUMENT);
    EXPECT(config.try_set_credentials_function([] {
        Credentials credentials;
        credentials.password = env("PASSWORD");
        if (env("CLIENT_SECRET")) {
            credentials.client_secret = env("CLIENT_SECRET");
            credentials.extra_secrets.emplace_back("customizedParam", "canary");
        }
        return credentials;
    }));
    Result<Config> shared = Config::try_create();
    EXPECT(shared && shared->try_set("store", "memory:"));
    Result<Registry> registry = Registry::try_create(*shared);
    EXPECT(registry);

    Result<Client> got = Client::try_create(config, *registry);
    EXPECT(got);
    const Client client = *std::move(got);
    const Result<Token> token = client.try_token({milliseconds(5000), milliseconds(1)});
    EXPECT(token && token->kind() == (winkas ? TOKENLEASE_KIND_WINKAS : TOKENLEASE_KIND_BEARER));
    EXPECT(client.try_token({milliseconds(-7), {}}).error().status() == TOKENLEASE_BAD_ARGUMENT);
    std::string text;
    EXPECT(client.try_copy_token(text) && text == token->text());
    const Result<Token> same = client.try_token_from_text(text);
    EXPECT(same && same->text() == token->text());
    EXPECT(client.try_validate(*token).value());
    const auto replacement = client.try_report_rejected(*same);
    EXPECT(replacement && !replacement->has_value());
    EXPECT(*client.try_count(TOKENLEASE_COUNT_LOGINS) == 1);
    EXPECT(!client.try_explain()->empty() && !client.try_history()->empty());
    EXPECT(client.try_refetch().has_value() == winkas);
    EXPECT(client.try_adopt(*token, milliseconds(60000)));
    EXPECT(client.try_set_credentials(config) && client.try_unblock());
    const Result<bool> revoked = client.try_revoke(*token);
    EXPECT(winkas ? revoked.error().status() == TOKENLEASE_UNSUPPORTED : revoked.has_value());
    EXPECT(registry->try_entries(*shared)->front() == '[');
    EXPECT(registry->try_counts()->front() == '[');
    const auto report = registry->try_end(*shared, TOKENLEASE_END_BY_FORGETTING);
    EXPECT(report && report->find("\"entries\":") != std::string::npos);
    EXPECT(client.try_forget() && client.try_close());
    return 0;
}
