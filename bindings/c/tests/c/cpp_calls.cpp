// C++ programs call an API and have it repeated, read facts and the status, get the log, and interrupt.
#include "cpp_support.hpp"

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <type_traits>

using namespace tokenlease;

// Texts of a temporary token would be freed at once.
template <typename T, typename = void> constexpr bool has_header = false;
template <typename T>
constexpr bool has_header<T, std::void_t<decltype(std::declval<T>().authorization()),
                                         decltype(std::declval<T>().header_value())>> = true;
template <typename T, typename = void> constexpr bool has_field = false;
template <typename T>
constexpr bool has_field<T, std::void_t<decltype(std::declval<T>().json_field())>> = true;
static_assert(has_header<const Token &> && !has_header<Token>);
static_assert(has_field<const Token &> && !has_field<Token>);

template <typename Call> static tokenlease_status status_of(Call &&call)
{
    try {
        call();
    } catch (const Error &error) {
        return error.status();
    }
    return TOKENLEASE_OK;
}

static void call_apis(const Client &client)
{
    const std::string echo = is_winkas() ? "/api/Report/Echo" : "/api/v2/me";
    const std::string forbidden = is_winkas() ? "/api/Report/Forbidden" : "/api/v2/forbidden";
    int calls = 0;
    const auto call_echo = [&](const Token &token) {
        calls++;
        return call_api(echo, token);
    };
    EXPECT(client.call(call_echo).http_status == 200 && calls == 1);
    // A token that ended is replaced, and the call is repeated once.
    ask_for("end the token");
    const Response repeated = client.call(call_echo, {milliseconds(20000), {}});
    EXPECT(repeated.http_status == 200 && calls == 3);
    EXPECT(!is_winkas() || contains(repeated.body, "\"WinkasErrorCode\":0"));
    // A missing permission is the API's answer.
    const Response denied = client.call([&](const Token &token) {
        calls++;
        return call_api(forbidden, token);
    });
    EXPECT(calls == 4 && (is_winkas() || denied.http_status == 403));

    // An exception leaves the call as it is.
    try {
        client.call([](const Token &) -> Response { throw std::runtime_error("the cable is cut"); });
        EXPECT(false);
    } catch (const std::runtime_error &error) {
        EXPECT(std::string(error.what()) == "the cable is cut");
    }
    const auto none = [](const Token &) { return std::optional<Response>(); };
    EXPECT(status_of([&] { client.call(none); }) == TOKENLEASE_CALL_FAILED);
    const auto invalid = [](const Token &) { return Response{99, "", {}}; };
    EXPECT(status_of([&] { client.call(invalid); }) == TOKENLEASE_BAD_ARGUMENT);
    const auto wrong = [](const Token &) { return Response{200, "", {{"a b", "x"}}}; };
    EXPECT(status_of([&] { client.call(wrong); }) == TOKENLEASE_BAD_ARGUMENT);

    EXPECT(client.read_answer(200, "{}") == TOKENLEASE_ANSWER_NOT_REJECTED);
    EXPECT(client.read_answer(401, {}) == TOKENLEASE_ANSWER_REJECTED);
    EXPECT(client.read_answer(200, "{\"WinkasErrorCode\":7}")
           == (is_winkas() ? TOKENLEASE_ANSWER_ASK : TOKENLEASE_ANSWER_NOT_REJECTED));
    EXPECT(status_of([&] { client.read_answer(1000, {}); }) == TOKENLEASE_BAD_ARGUMENT);
}

static void facts_are_known(const Client &client)
{
    const Token token = client.token();
    EXPECT(token.expires_at() > std::chrono::system_clock::now());
    EXPECT(token.age() >= milliseconds(0) && token.source() == TOKENLEASE_SOURCE_LOGIN);
    EXPECT(token.expiry() == (is_winkas() ? TOKENLEASE_EXPIRY_ASSUMED : TOKENLEASE_EXPIRY_STATED));
    EXPECT(token.generation() == std::optional<std::uint64_t>(2));
    const Token other = client.token_from_text("other");
    EXPECT(!other.expires_at() && !other.age() && !other.generation());
    EXPECT(other.expiry() == TOKENLEASE_EXPIRY_NONE && other.source() == TOKENLEASE_SOURCE_NONE);
    const std::string status = client.status_json();
    EXPECT(contains(status, "\"source\":\"login\"") && !contains(status, token.text()));
}

struct Log {
    std::mutex mutex;
    int debugs = 0, warnings = 0;
    std::string warning;
};

// The log of a client, and a function that throws.
static void events_are_logged()
{
    const auto log = std::make_shared<Log>();
    Config config = config_of_environment();
    config.set_password("canary-wrong");
    config.set_log_function([log](std::int32_t level, std::string_view event, std::string_view text) {
        const std::lock_guard<std::mutex> guard(log->mutex);
        EXPECT(!contains(text, "canary"));
        if (level < TOKENLEASE_LOG_WARNING) {
            log->debugs++;
        } else {
            log->warnings++;
            log->warning.assign(event).append(": ").append(text);
        }
        throw std::runtime_error("ignored");
    });
    {
        const Client client(config);
        EXPECT(status_of([&] { client.token(); }) == TOKENLEASE_CREDENTIALS_REJECTED);
        client.close();
    }
    EXPECT(log->debugs > 0 && log->warnings == 1);
    EXPECT(log->warning.rfind("circuit_opened: ", 0) == 0);
    // Later clients have no log. The thread that ran the function may hold it for a moment.
    config.set_log_function(nullptr);
    while (log.use_count() > 1) {
        std::this_thread::yield();
    }
    EXPECT(status_of([&] { Client(config).token(); }) == TOKENLEASE_CREDENTIALS_REJECTED);
    EXPECT(log->warnings == 1);
}

// Another thread ends a wait.
static void waits_are_interrupted()
{
    std::promise<void> called, open;
    Config config = config_of_environment();
    // Of another user, so that no cached token is the answer.
    config.set("user", "nobody").set("deadline", "1h");
    config.set_credentials_function([&]() -> Credentials {
        called.set_value();
        open.get_future().wait();
        throw std::runtime_error("locked");
    });
    const Client client(config);
    std::atomic<bool> has_returned(false);
    std::thread waiting([&] {
        EXPECT(status_of([&] { client.token(); }) == TOKENLEASE_INTERRUPTED);
        has_returned = true;
    });
    called.get_future().wait();
    while (!has_returned) {
        client.interrupt();
        std::this_thread::yield();
    }
    waiting.join();
    open.set_value();
    client.close();
}

int main()
{
    EXPECT(version() == TOKENLEASE_VERSION && version_number() == TOKENLEASE_VERSION_NUMBER);
    EXPECT(status_name(TOKENLEASE_CALL_FAILED) == "call_failed" && status_name(4711) == "unknown");
    EXPECT(contains(options_json(), "\"name\":\"server\""));
    {
        const Client client(config_of_environment());
        call_apis(client);
        facts_are_known(client);
        client.close();
    }
    events_are_logged();
    waits_are_interrupted();
    return 0;
}
