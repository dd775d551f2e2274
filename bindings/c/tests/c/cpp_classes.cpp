// The C++ classes own their handles and throw their errors.
#include <tokenlease.hpp>

#include <cstdlib>
#include <iostream>
#include <thread>
#include <type_traits>
#include <vector>

using namespace tokenlease;

#define EXPECT(condition)                                                                    \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            std::cerr << __FILE__ << ':' << __LINE__ << ": failed: " << #condition << '\n';  \
            std::exit(1);                                                                    \
        }                                                                                    \
    } while (0)

static_assert(std::is_nothrow_move_constructible_v<Client>);
static_assert(!std::is_copy_constructible_v<Token>);
static_assert(std::is_nothrow_copy_constructible_v<Error>);
static_assert(std::is_nothrow_copy_assignable_v<Error>);

// The text of a temporary token would be freed at once.
template <typename T, typename = void> constexpr bool has_text = false;
template <typename T>
constexpr bool has_text<T, std::void_t<decltype(std::declval<T>().text())>> = true;
static_assert(has_text<Token &> && has_text<const Token &>);
static_assert(!has_text<Token> && !has_text<const Token>);

static std::string env(const char *name)
{
    const char *text = std::getenv(name);
    return text ? text : "";
}

template <typename Call> static Error thrown(Call &&call)
{
    try {
        call();
    } catch (const Error &error) {
        return error;
    }
    std::cerr << "nothing was thrown\n";
    std::exit(1);
}

static Config config_of_environment()
{
    Config config;
    config.set("provider", env("OPTION_provider")).set("server", env("OPTION_server"));
    config.set("user", std::string_view(env("OPTION_user")));
    config.set_password(env("PASSWORD").c_str());
    if (env("OPTION_provider") == "winkas") {
        config.set("contract", env("OPTION_contract"));
    } else {
        config.set_client_secret(env("CLIENT_SECRET"));
    }
    if (!env("OPTION_client_id").empty()) {
        config.set("client_id", env("OPTION_client_id"));
    }
    return config;
}

int main()
{
    const bool winkas = env("OPTION_provider") == "winkas";
    // A string that is passed as an rvalue is overwritten.
    Config config;
    std::string secret(64, 'x');
    const char *at = secret.data();
    config.add_extra_secret("x", std::move(secret));
    EXPECT(secret.empty() && secret.data() == at && std::string(64, '\0') == std::string(at, 64));
    config = config_of_environment();

    const Error unknown = thrown([&] { config.set("usr", "x"); });
    EXPECT(unknown.status() == TOKENLEASE_CONFIG && !unknown.is_retryable());
    EXPECT(std::string(unknown.what()).find("\"user\"") != std::string::npos);
    EXPECT(unknown.detail() == "there is no option \"usr\"" && unknown.code().empty());
    EXPECT(!unknown.retry_after() && !unknown.until() && unknown.http_status() == 0);

    const Error nul = thrown([&] { config.set_password(std::string("canary\0x", 8)); });
    EXPECT(nul.status() == TOKENLEASE_BAD_ARGUMENT);
    EXPECT(nul.detail() == "the argument password has a NUL at byte 6");

    const Error null = thrown([&] { config.set("user", std::getenv("NOT_SET")); });
    EXPECT(null.detail() == "the argument value is NULL");

    Config impossible;
    impossible.set("provider", "winkas").set("user", "x").set("contract", "x");
    impossible.set_password("p").set("store_check_interval", "20ms");
    const Error too_short = thrown([&] { Client client(impossible); });
    EXPECT(too_short.status() == TOKENLEASE_CONFIG);
    EXPECT(std::string(too_short.what()).find("at least 1s") != std::string::npos);

    Client moved(config);
    const Client client = std::move(moved);
    const Token token = client.token();
    const Token again = client.token({milliseconds(5000), std::nullopt});
    EXPECT(again.text() == token.text());
    EXPECT(token.kind() == (winkas ? TOKENLEASE_KIND_WINKAS : TOKENLEASE_KIND_BEARER));
    const Token made = client.token_from_text(token.text());
    EXPECT(made.text() == token.text());
    std::string text = "a text before";
    client.copy_token(text);
    EXPECT(text == token.text());
    const char *before = text.data();
    client.copy_token(text, {std::nullopt, milliseconds(1000)});
    EXPECT(text == token.text() && text.data() == before);
    text.assign(4096, 'x');
    client.copy_token(text);
    EXPECT(text == token.text());
    EXPECT(client.validate(token) && !client.report_rejected(token));
    const Error negative = thrown([&] { client.token({milliseconds(-7), std::nullopt}); });
    EXPECT(negative.status() == TOKENLEASE_BAD_ARGUMENT);

    std::vector<std::thread> threads;
    for (int i = 0; i < 8; i++) {
        threads.emplace_back([&] {
            const Token got = client.token();
            EXPECT(got.text() == token.text());
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    EXPECT(client.count(TOKENLEASE_COUNT_LOGINS) == 1);
    EXPECT(!client.explain().empty());
    EXPECT(client.history().find("\"cause\":\"first\"") != std::string::npos);

    // A function that throws fails the call. It can be replaced.
    config.set_credentials_function([]() -> Credentials { throw std::runtime_error("locked"); });
    const Client other(config);
    EXPECT(thrown([&] { other.token(); }).status() == TOKENLEASE_CONFIG);
    config.set_credentials_function([] {
        return Credentials{env("PASSWORD"), env("CLIENT_SECRET").empty()
                                                ? std::nullopt
                                                : std::optional(env("CLIENT_SECRET"))};
    });
    other.set_credentials(config);
    // Both clients share the memory store of the process: no second login.
    const Token shared = other.token();
    EXPECT(shared.text() == token.text());

    // On a busy machine an answer may be there before the wait begins.
    const tokenlease::WaitOptions at_once{milliseconds(0)};
    const Error late = thrown([&] {
        for (int i = 0; i < 1000; i++) {
            client.validate(token, at_once);
        }
    });
    EXPECT(late.status() == TOKENLEASE_DEADLINE_EXCEEDED);
    client.interrupt(); // nothing waits
    client.close({milliseconds(60000)});

    if (winkas) {
        EXPECT(thrown([&] { client.revoke(token); }).status() == TOKENLEASE_UNSUPPORTED);
        const Token running = client.refetch();
        EXPECT(running.text() == token.text());
        client.adopt(token, milliseconds(60000));
    } else {
        EXPECT(client.revoke(token));
    }
    client.unblock();
    client.forget();
    client.close();
    return 0;
}
