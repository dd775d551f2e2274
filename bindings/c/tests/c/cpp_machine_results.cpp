// The try_ forms of calls, machines, effects and exchanges. Compiled with -fno-exceptions and -fno-rtti.
#include "cpp_support.hpp"

#include <type_traits>

using namespace tokenlease;

// Without exceptions, constructors could not report an error.
static_assert(!std::is_constructible_v<Machine, const Config &>);
static_assert(!std::is_constructible_v<Exchange, const Config &, tokenlease_exchange_kind>);

static HttpAnswer send_request(const Request &request)
{
    return send_http(request.method(), std::string(request.url()), request.headers(), request.body());
}

static Result<CallResult> finish(const Machine &machine, const Result<MachineCall> &call)
{
    EXPECT(call);
    for (;;) {
        Result<Effect> effect = machine.try_poll(*call);
        EXPECT(effect);
        if (effect->action() == TOKENLEASE_ACTION_DONE) {
            return call->try_result();
        }
        if (effect->action() == TOKENLEASE_ACTION_SEND) {
            const HttpAnswer answer = send_request(*effect->request());
            EXPECT(effect->try_answered({answer.status, answer.head, answer.body, {}}));
        } else {
            EXPECT(effect->try_perform());
        }
    }
}

static void clients_call_apis_and_log()
{
    Config config = config_of_environment();
    EXPECT(config.try_set_log_function([](std::int32_t, std::string_view, std::string_view) {}));
    const Result<Client> made = Client::try_create(config);
    EXPECT(made && config.try_set_log_function(nullptr));
    const Client &client = *made;
    const std::string echo = is_winkas() ? "/api/Report/Echo" : "/api/v2/me";
    const Result<Response> answer =
        client.try_call([&](const Token &token) { return call_api(echo, token); });
    EXPECT(answer && answer->http_status == 200 && !answer->body.empty());
    const auto none = [](const Token &) { return std::optional<Response>(); };
    EXPECT(client.try_call(none).error().status() == TOKENLEASE_CALL_FAILED);
    const Result<Response> invalid =
        client.try_call([](const Token &) { return Response{99, "", {}}; }, {milliseconds(9000), {}});
    EXPECT(contains(invalid.error().detail(), "http_status is 99"));
    EXPECT(*client.try_read_answer(401, {}) == TOKENLEASE_ANSWER_REJECTED);
    EXPECT(contains(client.try_status_json().value(), "\"source\":\"login\""));
    client.interrupt();
    EXPECT(client.try_close());
}

static void machines_return_errors()
{
    const Result<Machine> made = Machine::try_create(config_of_environment());
    EXPECT(made);
    const Machine &machine = *made;
    const Result<CallResult> got = finish(machine, machine.try_begin(TOKENLEASE_CALL_TOKEN));
    EXPECT(got && got->token);
    const Result<Token> token = machine.try_token_from_text(got->token->text());
    EXPECT(token && machine.try_adopt(*token, milliseconds(60000)));
    const auto active = finish(machine, machine.try_begin(TOKENLEASE_CALL_VALIDATE, *token));
    EXPECT(active->result == TOKENLEASE_RESULT_ACTIVE && !active->token);
    EXPECT(!machine.try_explain()->empty());
    EXPECT(machine.try_poll()->action() == TOKENLEASE_ACTION_DONE);
    EXPECT(machine.try_set_now(milliseconds(1), {}).error().status() == TOKENLEASE_CONFIG);
    const auto missing = machine.try_begin(TOKENLEASE_CALL_REVOKE);
    EXPECT(!missing && missing.error().status() == TOKENLEASE_BAD_ARGUMENT);
}

// Drives a machine by the program's own store and clocks until an effect with this action comes.
static Effect next(const Machine &machine, tokenlease_action action, std::optional<Record> &record)
{
    const milliseconds now(1700000000000);
    for (;;) {
        Result<Effect> effect = machine.try_poll();
        EXPECT(effect);
        if (effect->action() == action) {
            return *std::move(effect);
        }
        switch (effect->action()) {
        case TOKENLEASE_ACTION_LOAD:
            EXPECT(effect->try_loaded(record, now));
            break;
        case TOKENLEASE_ACTION_LOCK:
            EXPECT(effect->try_lock_result(true));
            break;
        case TOKENLEASE_ACTION_SAVE: {
            const std::string_view bytes = effect->record();
            record = Record{effect->expected_revision().value_or(0) + 1, {bytes.begin(), bytes.end()}};
            EXPECT(effect->try_saved(record->revision, now));
            break;
        }
        default:
            EXPECT(effect->action() == TOKENLEASE_ACTION_UNLOCK && effect->try_unlocked());
        }
    }
}

static void effects_return_errors()
{
    Result<Config> store = Config::try_create();
    EXPECT(store && store->try_set("store", env("STORE")));
    const Result<Registry> registry = Registry::try_create(*store);
    const std::chrono::system_clock::time_point wall{std::chrono::hours(480000)};
    const Result<Machine> made =
        Machine::try_create(config_of_environment(), *registry, {milliseconds(1), wall});
    EXPECT(made && made->try_set_now(milliseconds(2), wall));
    const Result<MachineCall> call = made->try_begin(TOKENLEASE_CALL_TOKEN);
    EXPECT(call && !call->is_complete());
    std::optional<Record> record;
    Effect login = next(*made, TOKENLEASE_ACTION_SEND, record);
    EXPECT(login.try_not_sent("no connection"));
    EXPECT(login.try_lost("a timeout").error().status() == TOKENLEASE_BAD_ARGUMENT);
    EXPECT(login.try_answered({}).error().status() == TOKENLEASE_BAD_ARGUMENT);

    const Result<Machine> other =
        Machine::try_create(config_of_environment(), *registry, {milliseconds(1), wall});
    const Result<MachineCall> another = other->try_begin(TOKENLEASE_CALL_TOKEN);
    std::optional<Record> none;
    Effect load = next(*other, TOKENLEASE_ACTION_LOAD, none);
    EXPECT(another);
    EXPECT(load.try_conflict(none, milliseconds(1)).error().status() == TOKENLEASE_BAD_ARGUMENT);
    EXPECT(load.try_saved(1, milliseconds(1)).error().status() == TOKENLEASE_BAD_ARGUMENT);
    EXPECT(load.try_lock_result(true).error().status() == TOKENLEASE_BAD_ARGUMENT);
    EXPECT(load.try_store_failed(TOKENLEASE_STORE_UNAVAILABLE, "the cable is cut"));
    EXPECT(load.try_loaded(none, milliseconds(1)).error().status() == TOKENLEASE_BAD_ARGUMENT);
}

static void exchanges_return_errors()
{
    const Config config = config_of_environment();
    const Result<Exchange> login = Exchange::try_create(config, TOKENLEASE_EXCHANGE_LOGIN);
    EXPECT(login);
    const HttpAnswer answer = send_request(login->request());
    const auto got = login->try_read({answer.status, answer.head, answer.body, {}});
    EXPECT(got && got->result == TOKENLEASE_RESULT_TOKEN && got->token);
    EXPECT(login->try_read({}).error().status() == TOKENLEASE_BAD_ARGUMENT);
    const auto missing = Exchange::try_create(config, TOKENLEASE_EXCHANGE_VALIDATE);
    EXPECT(!missing && missing.error().status() == TOKENLEASE_BAD_ARGUMENT);
    EXPECT(Exchange::try_create(config, TOKENLEASE_EXCHANGE_VALIDATE, *got->token));
}

int main()
{
    clients_call_apis_and_log();
    machines_return_errors();
    effects_return_errors();
    exchanges_return_errors();
    return 0;
}
