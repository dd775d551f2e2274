/* Each invalid argument of a machine, its calls, effects and exchanges is an error that names the
 * argument. Nothing is sent. */
#include "support.h"

static const tokenlease_status bad = TOKENLEASE_BAD_ARGUMENT;

/* Returns the next effect of a machine. */
static tokenlease_effect *next(tokenlease_machine *machine)
{
    tokenlease_effect *effect = NULL;
    tokenlease_error *error = NULL;
    DONE(tokenlease_machine_poll(machine, NULL, &effect, &error));
    return effect;
}

static void null_has_properties(void)
{
    tokenlease_machine_free(NULL);
    tokenlease_machine_call_free(NULL);
    tokenlease_effect_free(NULL);
    tokenlease_exchange_free(NULL);
    EXPECT(!tokenlease_machine_call_is_complete(NULL));
    EXPECT(tokenlease_effect_action(NULL) == TOKENLEASE_ACTION_DONE);
    EXPECT(tokenlease_effect_timeout_ms(NULL) == TOKENLEASE_NONE);
    EXPECT(!tokenlease_effect_request(NULL) && !tokenlease_effect_record_name(NULL));
    EXPECT(!tokenlease_effect_lock_owner(NULL) && !tokenlease_effect_record(NULL));
    EXPECT(tokenlease_effect_lock_ttl_ms(NULL) == TOKENLEASE_NONE);
    EXPECT(tokenlease_effect_expected_revision(NULL) == TOKENLEASE_NONE);
    EXPECT(tokenlease_effect_record_length(NULL) == 0);
    EXPECT(tokenlease_effect_keep_ms(NULL) == TOKENLEASE_NONE);
    EXPECT(!tokenlease_request_method(NULL) && !tokenlease_request_url(NULL));
    EXPECT(tokenlease_request_header_count(NULL) == 0);
    EXPECT(!tokenlease_request_header_name(NULL, 0) && !tokenlease_request_header_value(NULL, 0));
    EXPECT(!tokenlease_request_body(NULL) && tokenlease_request_body_length(NULL) == 0);
    EXPECT(!tokenlease_exchange_request(NULL));
}

static void machines(tokenlease_config *config, tokenlease_machine *machine,
                     tokenlease_token *token)
{
    tokenlease_machine *other = NULL;
    tokenlease_machine_options options = TOKENLEASE_MACHINE_OPTIONS_INIT;
    tokenlease_token *made = NULL;
    tokenlease_effect *effect = NULL;
    tokenlease_error *error = NULL;
    size_t length = 0;
    char text[4];

    FAILS(bad, "config is NULL", tokenlease_machine_new(NULL, NULL, NULL, &other, &error));
    FAILS(bad, "machine is NULL", tokenlease_machine_new(config, NULL, NULL, NULL, &error));
    options.size = 1;
    FAILS(bad, "size", tokenlease_machine_new(config, NULL, &options, &other, &error));
    options.size = SIZE_MAX;
    FAILS(bad, "size", tokenlease_machine_new(config, NULL, &options, &other, &error));
    options.size = sizeof options;
    options.elapsed_ms = 5;
    FAILS(bad, "wall_ms is -1", tokenlease_machine_new(config, NULL, &options, &other, &error));
    options.wall_ms = INT64_MIN;
    FAILS(bad, "wall_ms is ", tokenlease_machine_new(config, NULL, &options, &other, &error));
    EXPECT(!other);
    /* The latest moment of all clocks is no overflow. */
    options.elapsed_ms = options.wall_ms = INT64_MAX;
    DONE(tokenlease_machine_new(config, NULL, &options, &other, &error));
    DONE(tokenlease_machine_set_now(other, 0, INT64_MAX, &error));
    DONE(tokenlease_machine_set_now(other, INT64_MAX, 0, &error));
    FAILS(bad, "elapsed_ms is -1", tokenlease_machine_set_now(other, -1, 0, &error));
    FAILS(bad, "machine is NULL", tokenlease_machine_set_now(NULL, 0, 0, &error));
    FAILS(TOKENLEASE_CONFIG, "system's clocks", tokenlease_machine_set_now(machine, 0, 0, &error));

    FAILS(bad, "machine is NULL", tokenlease_machine_poll(NULL, NULL, &effect, &error));
    FAILS(bad, "effect is NULL", tokenlease_machine_poll(machine, NULL, NULL, &error));
    FAILS(bad, "machine is NULL", tokenlease_machine_adopt(NULL, token, 1, &error));
    FAILS(bad, "token is NULL", tokenlease_machine_adopt(machine, NULL, 1, &error));
    FAILS(bad, "lifetime_ms is -2", tokenlease_machine_adopt(machine, token, -2, &error));
    FAILS(bad, "machine is NULL",
          tokenlease_machine_token_from_text(NULL, T("x"), &made, &error));
    FAILS(bad, "token is NULL", tokenlease_machine_token_from_text(machine, T("x"), NULL, &error));
    FAILS(bad, "token_text is NULL",
          tokenlease_machine_token_from_text(machine, T(NULL), &made, &error));
    FAILS(TOKENLEASE_CONFIG, "", tokenlease_machine_token_from_text(machine, T("\n"), &made, &error));
    FAILS(bad, "machine is NULL",
          tokenlease_machine_explain(NULL, text, sizeof text, &length, &error));
    FAILS(bad, "length is NULL",
          tokenlease_machine_explain(machine, text, sizeof text, NULL, &error));
    FAILS(TOKENLEASE_BUFFER_TOO_SMALL, "",
          tokenlease_machine_explain(machine, NULL, 0, &length, &error));
    EXPECT(length > sizeof text);
    tokenlease_machine_free(other);
}

static void calls(tokenlease_machine *machine, tokenlease_machine *other, tokenlease_token *token)
{
    tokenlease_machine_call *call = NULL;
    tokenlease_token_options options = TOKENLEASE_TOKEN_OPTIONS_INIT;
    tokenlease_effect *effect = NULL;
    tokenlease_token *made = NULL;
    tokenlease_error *error = NULL;
    tokenlease_result result;
    const int32_t kinds[] = {-1, 7, INT32_MIN, INT32_MAX};
    const int32_t of_token[] = {TOKENLEASE_CALL_REPORT_REJECTED, TOKENLEASE_CALL_VALIDATE,
                                TOKENLEASE_CALL_REVOKE};
    const int32_t of_none[] = {TOKENLEASE_CALL_TOKEN, TOKENLEASE_CALL_REFETCH,
                               TOKENLEASE_CALL_FORGET, TOKENLEASE_CALL_UNBLOCK};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        FAILS(bad, "kind is ",
              tokenlease_machine_begin(machine, kinds[i], NULL, NULL, &call, &error));
    }
    for (size_t i = 0; i < sizeof of_token / sizeof *of_token; i++) {
        FAILS(bad, "token is NULL",
              tokenlease_machine_begin(machine, of_token[i], NULL, NULL, &call, &error));
    }
    for (size_t i = 0; i < sizeof of_none / sizeof *of_none; i++) {
        FAILS(bad, "token is set",
              tokenlease_machine_begin(machine, of_none[i], token, NULL, &call, &error));
    }
    FAILS(bad, "machine is NULL", tokenlease_machine_begin(NULL, 0, NULL, NULL, &call, &error));
    FAILS(bad, "call is NULL", tokenlease_machine_begin(machine, 0, NULL, NULL, NULL, &error));
    options.deadline_ms = -2;
    FAILS(bad, "deadline_ms is -2",
          tokenlease_machine_begin(machine, 0, NULL, &options, &call, &error));
    options.deadline_ms = INT64_MAX;
    options.min_remaining_ms = INT64_MIN;
    FAILS(bad, "min_remaining_ms is ",
          tokenlease_machine_begin(machine, 0, NULL, &options, &call, &error));
    options.size = 0;
    FAILS(bad, "size", tokenlease_machine_begin(machine, 0, NULL, &options, &call, &error));
    EXPECT(!call);

    options.size = sizeof options;
    options.min_remaining_ms = INT64_MAX;
    DONE(tokenlease_machine_begin(machine, 0, NULL, &options, &call, &error));
    EXPECT(!tokenlease_machine_call_is_complete(call));
    FAILS(bad, "another machine", tokenlease_machine_poll(other, call, &effect, &error));
    FAILS(bad, "is not complete", tokenlease_machine_call_result(call, &result, &made, &error));
    FAILS(bad, "call is NULL", tokenlease_machine_call_result(NULL, &result, &made, &error));
    FAILS(bad, "result is NULL", tokenlease_machine_call_result(call, NULL, &made, &error));
    FAILS(bad, "token is NULL", tokenlease_machine_call_result(call, &result, NULL, &error));
    tokenlease_machine_call_free(call);
    /* A call may outlive its machine's other handles. */
}

/* The outcomes of other kinds of effects, and those with bad arguments. */
static void outcomes(tokenlease_effect *effect, tokenlease_effect *send)
{
    tokenlease_error *error = NULL;
    tokenlease_answer answer = TOKENLEASE_ANSWER_INIT;
    const tokenlease_request *request = tokenlease_effect_request(send);
    const int32_t failures[] = {-1, 3, INT32_MIN, INT32_MAX};

    EXPECT(tokenlease_effect_action(effect) == TOKENLEASE_ACTION_LOAD);
    EXPECT(!tokenlease_effect_request(effect) && !tokenlease_effect_record(effect));
    EXPECT(!tokenlease_effect_lock_owner(effect) && tokenlease_effect_record_name(effect));
    EXPECT(tokenlease_effect_timeout_ms(effect) >= 0);
    EXPECT(!tokenlease_effect_record_name(send) && request);
    EXPECT(!tokenlease_request_header_name(request, SIZE_MAX));
    EXPECT(!tokenlease_request_header_value(request, tokenlease_request_header_count(request)));

    FAILS(bad, "effect is NULL", tokenlease_effect_perform(NULL, &error));
    FAILS(bad, "has the action 2", tokenlease_effect_perform(send, &error));
    FAILS(bad, "effect is NULL", tokenlease_effect_answered(NULL, &answer, &error));
    FAILS(bad, "answer is NULL", tokenlease_effect_answered(send, NULL, &error));
    FAILS(bad, "status of the argument answer is 0",
          tokenlease_effect_answered(send, &answer, &error));
    answer.status = INT32_MIN;
    FAILS(bad, "status", tokenlease_effect_answered(send, &answer, &error));
    answer.status = 1000;
    FAILS(bad, "status", tokenlease_effect_answered(send, &answer, &error));
    answer.status = 200;
    FAILS(bad, "has the action 3", tokenlease_effect_answered(effect, &answer, &error));
    answer.headers_length = 1;
    FAILS(bad, "answer.headers is NULL", tokenlease_effect_answered(send, &answer, &error));
    answer.headers = "";
    answer.headers_length = SIZE_MAX;
    FAILS(bad, "answer.headers is ", tokenlease_effect_answered(send, &answer, &error));
    answer.headers_length = 0;
    answer.body_length = 1;
    FAILS(bad, "answer.body is NULL", tokenlease_effect_answered(send, &answer, &error));
    answer.body_length = 0;
    answer.broke_off = "\xff";
    FAILS(bad, "answer.broke_off is not valid UTF-8",
          tokenlease_effect_answered(send, &answer, &error));
    answer.size = 3;
    FAILS(bad, "size", tokenlease_effect_answered(send, &answer, &error));

    FAILS(bad, "effect is NULL", tokenlease_effect_not_sent(NULL, T("x"), &error));
    FAILS(bad, "message is NULL", tokenlease_effect_not_sent(send, T(NULL), &error));
    FAILS(bad, "has the action 3", tokenlease_effect_not_sent(effect, T("x"), &error));
    FAILS(bad, "effect is NULL", tokenlease_effect_lost(NULL, T("x"), &error));
    FAILS(bad, "message is not valid UTF-8", tokenlease_effect_lost(send, T("\xff"), &error));
    FAILS(bad, "has the action 3", tokenlease_effect_lost(effect, T("x"), &error));

    FAILS(bad, "effect is NULL", tokenlease_effect_loaded(NULL, -1, NULL, 0, 0, &error));
    FAILS(bad, "has the action 2", tokenlease_effect_loaded(send, -1, NULL, 0, 0, &error));
    FAILS(bad, "revision is -2", tokenlease_effect_loaded(effect, -2, NULL, 0, 0, &error));
    FAILS(bad, "record is NULL", tokenlease_effect_loaded(effect, 0, NULL, 1, 0, &error));
    FAILS(bad, "store_ms is -1", tokenlease_effect_loaded(effect, -1, NULL, 0, -1, &error));
    FAILS(bad, "effect is NULL", tokenlease_effect_lock_result(NULL, true, &error));
    FAILS(bad, "has the action 3", tokenlease_effect_lock_result(effect, true, &error));
    FAILS(bad, "effect is NULL", tokenlease_effect_saved(NULL, 0, 0, &error));
    FAILS(bad, "revision is -1", tokenlease_effect_saved(effect, -1, 0, &error));
    FAILS(bad, "store_ms is ", tokenlease_effect_saved(effect, 0, INT64_MIN, &error));
    FAILS(bad, "has the action 3", tokenlease_effect_saved(effect, 0, 0, &error));
    FAILS(bad, "effect is NULL", tokenlease_effect_conflict(NULL, -1, NULL, 0, 0, &error));
    FAILS(bad, "has the action 3", tokenlease_effect_conflict(effect, -1, NULL, 0, 0, &error));
    FAILS(bad, "effect is NULL", tokenlease_effect_unlocked(NULL, &error));
    FAILS(bad, "has the action 3", tokenlease_effect_unlocked(effect, &error));
    FAILS(bad, "effect is NULL", tokenlease_effect_store_failed(NULL, 0, T("x"), &error));
    FAILS(bad, "message is NULL", tokenlease_effect_store_failed(effect, 0, T(NULL), &error));
    FAILS(bad, "has the action 2", tokenlease_effect_store_failed(send, 2, T("x"), &error));
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        FAILS(bad, "failure is ",
              tokenlease_effect_store_failed(effect, failures[i], T("x"), &error));
    }
    /* None of these was an outcome. */
    DONE(tokenlease_effect_loaded(effect, -1, NULL, 0, INT64_MAX, &error));
    FAILS(bad, "has its outcome already", tokenlease_effect_perform(effect, &error));
    FAILS(bad, "has its outcome already",
          tokenlease_effect_loaded(effect, -1, NULL, 0, 0, &error));
    EXPECT(tokenlease_effect_action(effect) == TOKENLEASE_ACTION_LOAD);
}

static void exchanges(tokenlease_config *config, tokenlease_token *token)
{
    tokenlease_exchange *exchange = NULL;
    tokenlease_answer answer = TOKENLEASE_ANSWER_INIT;
    tokenlease_token *made = NULL;
    tokenlease_error *error = NULL;
    tokenlease_result result;
    int64_t lifetime = 0;

    FAILS(bad, "config is NULL",
          tokenlease_exchange_new(NULL, NULL, 0, NULL, &exchange, &error));
    FAILS(bad, "exchange is NULL", tokenlease_exchange_new(config, NULL, 0, NULL, NULL, &error));
    FAILS(bad, "kind is 4", tokenlease_exchange_new(config, NULL, 4, NULL, &exchange, &error));
    FAILS(bad, "kind is -1", tokenlease_exchange_new(config, NULL, -1, NULL, &exchange, &error));
    FAILS(bad, "token is set", tokenlease_exchange_new(config, NULL, 0, token, &exchange, &error));
    FAILS(bad, "token is NULL",
          tokenlease_exchange_new(config, NULL, TOKENLEASE_EXCHANGE_VALIDATE, NULL, &exchange,
                                  &error));
    FAILS(TOKENLEASE_UNSUPPORTED, "",
          tokenlease_exchange_new(config, NULL, TOKENLEASE_EXCHANGE_REFETCH, NULL, &exchange,
                                  &error));
    EXPECT(!exchange);

    /* A login: request bytes out, answer bytes in. */
    DONE(tokenlease_exchange_new(config, NULL, TOKENLEASE_EXCHANGE_LOGIN, NULL, &exchange, &error));
    const tokenlease_request *request = tokenlease_exchange_request(exchange);
    EXPECT(strcmp(tokenlease_request_method(request), "POST") == 0);
    EXPECT(tokenlease_request_body(request) && tokenlease_request_body_length(request) > 0);
    FAILS(bad, "exchange is NULL",
          tokenlease_exchange_read(NULL, &answer, &result, &made, &lifetime, &error));
    FAILS(bad, "answer is NULL",
          tokenlease_exchange_read(exchange, NULL, &result, &made, &lifetime, &error));
    FAILS(bad, "result is NULL",
          tokenlease_exchange_read(exchange, &answer, NULL, &made, &lifetime, &error));
    FAILS(bad, "token is NULL",
          tokenlease_exchange_read(exchange, &answer, &result, NULL, &lifetime, &error));
    FAILS(bad, "lifetime_ms is NULL",
          tokenlease_exchange_read(exchange, &answer, &result, &made, NULL, &error));
    FAILS(bad, "status", tokenlease_exchange_read(exchange, &answer, &result, &made, &lifetime, &error));
    answer.status = 400;
    answer.body = "{\"error\":\"invalid_grant\"}";
    answer.body_length = strlen(answer.body);
    FAILS(TOKENLEASE_CREDENTIALS_REJECTED, "invalid_grant",
          tokenlease_exchange_read(exchange, &answer, &result, &made, &lifetime, &error));
    answer.status = 200;
    answer.body = "{\"access_token\":\"4E2E\",\"expires_in\":3600}";
    answer.body_length = strlen(answer.body);
    DONE(tokenlease_exchange_read(exchange, &answer, &result, &made, &lifetime, &error));
    EXPECT(result == TOKENLEASE_RESULT_TOKEN && lifetime == 3600000);
    EXPECT(strcmp(tokenlease_token_text(made), "4E2E") == 0);
    tokenlease_token_free(made);
    /* A body that broke off is used if it is whole. */
    answer.broke_off = "reset";
    DONE(tokenlease_exchange_read(exchange, &answer, &result, &made, &lifetime, &error));
    tokenlease_token_free(made);
    answer.body_length -= 1;
    FAILS(TOKENLEASE_TRANSPORT, "broke off: reset",
          tokenlease_exchange_read(exchange, &answer, &result, &made, &lifetime, &error));
    tokenlease_exchange_free(exchange);

    DONE(tokenlease_exchange_new(config, NULL, TOKENLEASE_EXCHANGE_REVOKE, token, &exchange, &error));
    DONE(tokenlease_exchange_read(exchange, &answer, &result, &made, &lifetime, &error));
    EXPECT(result == TOKENLEASE_RESULT_REVOCATION_ACCEPTED);
    EXPECT(!made && lifetime == TOKENLEASE_NONE);
    tokenlease_exchange_free(exchange);
}

int main(void)
{
    tokenlease_config *config = config_of_environment();
    tokenlease_machine *machine = NULL, *other = NULL;
    tokenlease_machine_call *call = NULL, *validation = NULL;
    tokenlease_token *token = NULL;
    tokenlease_error *error = NULL;

    null_has_properties();
    DONE(tokenlease_machine_new(config, NULL, NULL, &machine, &error));
    DONE(tokenlease_machine_new(config, NULL, NULL, &other, &error));
    DONE(tokenlease_machine_token_from_text(machine, T("elsewhere"), &token, &error));
    machines(config, machine, token);
    exchanges(config, token);

    /* Nothing is to be done, and performing that is no error. */
    tokenlease_effect *done = next(machine);
    EXPECT(tokenlease_effect_action(done) == TOKENLEASE_ACTION_DONE);
    EXPECT(tokenlease_effect_timeout_ms(done) == TOKENLEASE_NONE);
    DONE(tokenlease_effect_perform(done, &error));
    DONE(tokenlease_effect_perform(done, &error));
    tokenlease_effect_free(done);
    calls(machine, other, token);

    /* Two machines, of which one wants to read its store, and one to send a request. */
    DONE(tokenlease_machine_begin(machine, TOKENLEASE_CALL_TOKEN, NULL, NULL, &call, &error));
    DONE(tokenlease_machine_begin(other, TOKENLEASE_CALL_VALIDATE, token, NULL, &validation, &error));
    tokenlease_effect *load = next(machine), *send = next(other);
    while (tokenlease_effect_action(send) != TOKENLEASE_ACTION_SEND) {
        DONE(tokenlease_effect_perform(send, &error));
        tokenlease_effect_free(send);
        send = next(other);
    }
    outcomes(load, send);
    /* Handles may be freed in any order, and without outcomes. */
    tokenlease_machine_free(other);
    tokenlease_machine_free(machine);
    tokenlease_effect_free(load);
    tokenlease_machine_call_free(call);
    tokenlease_effect_free(send);
    tokenlease_machine_call_free(validation);
    tokenlease_token_free(token);
    tokenlease_config_free(config);
    return 0;
}
