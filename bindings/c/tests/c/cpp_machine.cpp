// C++ programs that send the requests themselves: machines, effects and exchanges throw their errors.
#include "cpp_support.hpp"

using namespace tokenlease;

template <typename Call> static Error thrown(Call &&call)
{
    try {
        call();
    } catch (const Error &error) {
        return error;
    }
    std::fprintf(stderr, "nothing was thrown\n");
    std::exit(1);
}

static HttpAnswer send_request(const Request &request)
{
    EXPECT(request.get() && !request.url().empty());
    return send_http(request.method(), std::string(request.url()), request.headers(), request.body());
}

// The loop of a host, as docs/hosted.md describes it.
static CallResult finish(const Machine &machine, const MachineCall &call)
{
    for (;;) {
        Effect effect = machine.poll(call);
        switch (effect.action()) {
        case TOKENLEASE_ACTION_DONE:
            EXPECT(call.is_complete() && !effect.request() && !effect.timeout());
            return call.result();
        case TOKENLEASE_ACTION_SEND: {
            EXPECT(effect.timeout() > milliseconds(0) && effect.record_name().empty());
            const HttpAnswer answer = send_request(*effect.request());
            effect.answered({answer.status, answer.head, answer.body, {}});
            break;
        }
        default:
            effect.perform();
        }
    }
}

static void a_machine_gets_reports_and_forgets_tokens()
{
    const Machine machine(config_of_environment());
    const CallResult got =
        finish(machine, machine.begin(TOKENLEASE_CALL_TOKEN, {milliseconds(20000), milliseconds(1)}));
    EXPECT(got.result == TOKENLEASE_RESULT_TOKEN && got.token);
    const Token token = machine.token_from_text(got.token->text());
    const CallResult reported =
        finish(machine, machine.begin(TOKENLEASE_CALL_REPORT_REJECTED, token));
    EXPECT(reported.result == TOKENLEASE_RESULT_STILL_ACTIVE && !reported.token);
    const CallResult active = finish(machine, machine.begin(TOKENLEASE_CALL_VALIDATE, token, {}));
    EXPECT(active.result == TOKENLEASE_RESULT_ACTIVE);
    EXPECT(!machine.explain().empty() && !contains(machine.explain(), token.text()));
    machine.adopt(token, milliseconds(60000));
    const CallResult forgotten = finish(machine, machine.begin(TOKENLEASE_CALL_FORGET));
    EXPECT(forgotten.result == TOKENLEASE_RESULT_DONE);
    EXPECT(machine.poll().action() == TOKENLEASE_ACTION_DONE);
    EXPECT(thrown([&] { machine.begin(TOKENLEASE_CALL_VALIDATE); }).status()
           == TOKENLEASE_BAD_ARGUMENT);
    EXPECT(thrown([&] { machine.set_now(milliseconds(1), {}); }).status() == TOKENLEASE_CONFIG);
    const MachineCall call = machine.begin(TOKENLEASE_CALL_TOKEN);
    EXPECT(thrown([&] { call.result(); }).status() == TOKENLEASE_BAD_ARGUMENT);
}

// A program's own store, clocks and server. Nothing is sent, and no time passes.
class Double {
  public:
    explicit Double(Config config)
        : machine_(config, Registry(registry()), {now_, wall()})
    {
    }

    CallResult get()
    {
        const MachineCall call = machine_.begin(TOKENLEASE_CALL_TOKEN, {milliseconds(600000), {}});
        for (;;) {
            Effect effect = machine_.poll(call);
            if (effect.action() == TOKENLEASE_ACTION_DONE) {
                return call.result();
            }
            perform(effect);
            now_ += milliseconds(1);
            machine_.set_now(now_, wall());
        }
    }

    int losses = 0, conflicts = 0, sends = 0;
    bool is_away = false;

  private:
    static Config registry()
    {
        Config config;
        config.set("store", env("STORE"));
        return config;
    }

    std::chrono::system_clock::time_point wall() const
    {
        return std::chrono::system_clock::time_point(now_);
    }

    void perform(Effect &effect)
    {
        if (effect.action() == TOKENLEASE_ACTION_WAIT) {
            EXPECT(thrown([&] { effect.perform(); }).status() == TOKENLEASE_CONFIG);
            now_ += effect.timeout().value();
        } else if (effect.action() == TOKENLEASE_ACTION_SEND) {
            answer(effect);
        } else if (is_away) {
            effect.store_failed(TOKENLEASE_STORE_UNAVAILABLE, "the cable is cut");
        } else {
            keep(effect);
        }
    }

    void answer(Effect &effect)
    {
        sends++;
        if (losses == 2) {
            losses--;
            effect.not_sent("no connection");
        } else if (losses == 1) {
            losses--;
            effect.lost("a timeout");
        } else {
            effect.answered({200, {}, "{\"access_token\":\"4E2E\",\"expires_in\":3600}", "reset"});
            EXPECT(thrown([&] { effect.lost("a timeout"); }).status() == TOKENLEASE_BAD_ARGUMENT);
        }
    }

    void keep(Effect &effect)
    {
        EXPECT(effect.record_name().size() == 64);
        switch (effect.action()) {
        case TOKENLEASE_ACTION_LOAD:
            effect.loaded(record_, now_);
            break;
        case TOKENLEASE_ACTION_LOCK:
        case TOKENLEASE_ACTION_RENEW:
            EXPECT(effect.lock_ttl() >= milliseconds(1000) && !effect.lock_owner().empty());
            effect.lock_result(true);
            break;
        case TOKENLEASE_ACTION_UNLOCK:
            effect.unlocked();
            break;
        default:
            EXPECT(effect.action() == TOKENLEASE_ACTION_SAVE);
            EXPECT(!effect.keep() || *effect.keep() > milliseconds(0));
            save(effect);
        }
    }

    void save(Effect &effect)
    {
        const auto revision = record_ ? std::optional(record_->revision) : std::nullopt;
        if (conflicts > 0 && record_) {
            conflicts--;
            record_->revision++;
            effect.conflict(record_, now_);
            return;
        }
        EXPECT(effect.expected_revision() == revision);
        const std::string_view bytes = effect.record();
        record_ = Record{revision.value_or(0) + 1, {bytes.begin(), bytes.end()}};
        effect.saved(record_->revision, now_);
    }

    milliseconds now_{1700000000000};
    std::optional<Record> record_;
    Machine machine_;
};

static Config config_of_wyn()
{
    Config config;
    config.set("provider", "wyn").set("server", "https://wyn.example").set("user", "NAME");
    config.set_password("PASSWORD").set_client_secret("SECRET");
    return config;
}

static void a_program_has_its_own_store_clocks_and_server()
{
    Double working(config_of_wyn());
    working.losses = 2;
    working.conflicts = 1;
    EXPECT(working.get().token->text() == "4E2E" && working.sends == 3 && working.losses == 0);
    EXPECT(working.get().token->text() == "4E2E" && working.sends == 3);
    Double away(config_of_wyn());
    away.is_away = true;
    EXPECT(contains(thrown([&] { away.get(); }).what(), "the cable is cut") && away.sends == 0);
}

static void an_exchange_is_request_bytes_out_and_answer_bytes_in()
{
    const Config config = config_of_environment();
    const Exchange login(config, TOKENLEASE_EXCHANGE_LOGIN);
    const HttpAnswer answer = send_request(login.request());
    const ExchangeResult got = login.read({answer.status, answer.head, answer.body, {}});
    EXPECT(got.result == TOKENLEASE_RESULT_TOKEN && got.token);
    EXPECT(is_winkas() != got.lifetime.has_value());
    const Registry registry{Config()};
    const Exchange validation(config, registry, TOKENLEASE_EXCHANGE_VALIDATE, *got.token);
    const HttpAnswer valid = send_request(validation.request());
    EXPECT(validation.read({valid.status, valid.head, valid.body, {}}).result
           == TOKENLEASE_RESULT_ACTIVE);
    EXPECT(!Exchange(config, registry, TOKENLEASE_EXCHANGE_LOGIN).request().body().empty());
    EXPECT(Exchange(config, TOKENLEASE_EXCHANGE_VALIDATE, *got.token).get());
    EXPECT(thrown([&] { Exchange(config, TOKENLEASE_EXCHANGE_VALIDATE); }).status()
           == TOKENLEASE_BAD_ARGUMENT);
    EXPECT(thrown([&] { login.read({200, {}, "{}", "reset"}); }).status() != TOKENLEASE_OK);
}

int main()
{
    a_machine_gets_reports_and_forgets_tokens();
    a_program_has_its_own_store_clocks_and_server();
    an_exchange_is_request_bytes_out_and_answer_bytes_in();
    return 0;
}
