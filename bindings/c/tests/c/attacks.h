/* Fixtures of the program with wrong arguments, which a test generates from the header: a valid argument
 * of each type, the functions in which borrowed handles are valid, and the checks of results. */
#ifndef ATTACKS_H
#define ATTACKS_H

#include "memory_store.h"

/* Where an attack runs: borrowed handles exist in functions that the library calls. */
enum place { ANYWHERE, IN_CREDENTIALS, IN_STORE, IN_CALL };

/* The result that an attack must have. */
enum expected { IS_BAD, IS_ANY };

struct attack {
    const char *what;
    enum place place;
    enum expected expected;
    void (*run)(const struct attack *);
};

/* The valid arguments of the attack that runs; end_attack frees them. */
static struct {
    tokenlease_config *config;
    tokenlease_registry *registry;
    tokenlease_client *client;
    tokenlease_token *token;
    tokenlease_error *error;
    tokenlease_machine *machine;
    tokenlease_machine_call *call;
    tokenlease_effect *effect;
    tokenlease_exchange *exchange;
    tokenlease_report *report;
} made;

static tokenlease_credentials *a_credentials;
static tokenlease_store_reply *a_store_reply;
static tokenlease_response *a_response;
static tokenlease_registry *shared;
static memory_store store;
static int failures;
static const uint8_t a_record[] = {1, 2, 3};
static char buffer[16384];

static tokenlease_config *a_config(void)
{
    if (!made.config) {
        made.config = config_of_environment();
    }
    return made.config;
}

static tokenlease_registry *a_registry(void)
{
    return shared;
}

static tokenlease_client *a_client(void)
{
    tokenlease_error *error = NULL;
    if (!made.client) {
        DONE(tokenlease_client_new(a_config(), shared, &made.client, &error));
    }
    return made.client;
}

static tokenlease_machine *a_machine(void)
{
    tokenlease_error *error = NULL;
    if (!made.machine) {
        DONE(tokenlease_machine_new(a_config(), shared, NULL, &made.machine, &error));
    }
    return made.machine;
}

static tokenlease_token *a_token(void)
{
    tokenlease_error *error = NULL;
    if (!made.token) {
        DONE(tokenlease_machine_token_from_text(a_machine(), T("elsewhere"), &made.token, &error));
    }
    return made.token;
}

static tokenlease_error *an_error(void)
{
    if (!made.error) {
        EXPECT(tokenlease_config_set(a_config(), T("usr"), T("x"), &made.error));
    }
    return made.error;
}

static tokenlease_machine_call *a_machine_call(void)
{
    tokenlease_error *error = NULL;
    if (!made.call) {
        DONE(tokenlease_machine_begin(a_machine(), TOKENLEASE_CALL_TOKEN, NULL, NULL, &made.call,
                                      &error));
    }
    return made.call;
}

/* Gives an effect its outcome, as a host with a store and a server that work. */
static void proceed(tokenlease_effect *effect)
{
    tokenlease_error *error = NULL;
    tokenlease_answer answer = TOKENLEASE_ANSWER_INIT;
    answer.status = 200;
    answer.body = "{\"access_token\":\"4E2E\",\"expires_in\":3600}";
    answer.body_length = strlen(answer.body);
    switch (tokenlease_effect_action(effect)) {
    case TOKENLEASE_ACTION_LOAD:
        DONE(tokenlease_effect_loaded(effect, TOKENLEASE_NONE, NULL, 0, 1000000, &error));
        break;
    case TOKENLEASE_ACTION_LOCK:
        DONE(tokenlease_effect_lock_result(effect, true, &error));
        break;
    case TOKENLEASE_ACTION_SEND:
        DONE(tokenlease_effect_answered(effect, &answer, &error));
        break;
    case TOKENLEASE_ACTION_SAVE:
        DONE(tokenlease_effect_saved(effect, 1, 1000000, &error));
        break;
    default:
        DONE(tokenlease_effect_perform(effect, &error));
    }
}

static tokenlease_effect *an_effect(tokenlease_action action)
{
    tokenlease_error *error = NULL;
    while (!made.effect) {
        DONE(tokenlease_machine_poll(a_machine(), a_machine_call(), &made.effect, &error));
        if (tokenlease_effect_action(made.effect) != action) {
            EXPECT(tokenlease_effect_action(made.effect) != TOKENLEASE_ACTION_DONE);
            proceed(made.effect);
            tokenlease_effect_free(made.effect);
            made.effect = NULL;
        }
    }
    return made.effect;
}

static const tokenlease_request *a_request(void)
{
    return tokenlease_effect_request(an_effect(TOKENLEASE_ACTION_SEND));
}

static tokenlease_exchange *an_exchange(void)
{
    tokenlease_error *error = NULL;
    if (!made.exchange) {
        DONE(tokenlease_exchange_new(a_config(), shared, TOKENLEASE_EXCHANGE_LOGIN, NULL,
                                     &made.exchange, &error));
    }
    return made.exchange;
}

static const tokenlease_report *a_report(void)
{
    tokenlease_error *error = NULL;
    if (!made.report) {
        DONE(tokenlease_registry_entries(shared, NULL, &made.report, &error));
    }
    return made.report;
}

static void end_attack(void)
{
    tokenlease_report_free(made.report);
    tokenlease_exchange_free(made.exchange);
    tokenlease_effect_free(made.effect);
    tokenlease_machine_call_free(made.call);
    tokenlease_machine_free(made.machine);
    tokenlease_error_free(made.error);
    tokenlease_token_free(made.token);
    tokenlease_client_free(made.client);
    tokenlease_registry_free(made.registry);
    tokenlease_config_free(made.config);
    memset(&made, 0, sizeof made);
}

static int32_t a_credentials_function(void *user, tokenlease_credentials *credentials);
static int32_t a_call_function(void *user, const tokenlease_token *token,
                               tokenlease_response *response);
static void a_log_function(void *user, int32_t level, const char *event, const char *text)
{
    EXPECT(!user && level && event && text);
}
static void a_drop_function(void *user)
{
    EXPECT(!user);
}

/* Checks the result of a call that returns a status. It names the argument if it must be an error. */
static void check(const struct attack *attack, tokenlease_status status, const char *argument,
                  tokenlease_error *error, bool has_output)
{
    const char *detail = tokenlease_error_detail(error);
    bool is_right = attack->expected == IS_ANY || status == TOKENLEASE_BAD_ARGUMENT;
    if (status == TOKENLEASE_OK) {
        is_right = is_right && !error;
    } else if (argument) {
        is_right = is_right && !has_output && error && tokenlease_error_status(error) == status;
        is_right = is_right && (attack->expected == IS_ANY || strstr(detail, argument));
    }
    /* A bug in the library is no answer to a wrong argument. */
    if (!is_right || status == TOKENLEASE_INTERNAL) {
        fprintf(stderr, "%s: %s: %s%s\n", attack->what, tokenlease_status_name(status),
                detail ? detail : "no error", has_output ? ", and an output was written" : "");
        failures++;
    }
    tokenlease_error_free(error);
}

#define CHECK_VALUE(attack, condition)                                            \
    do {                                                                          \
        if ((attack)->expected == IS_BAD && !(condition)) {                       \
            fprintf(stderr, "%s: expected %s\n", (attack)->what, #condition);     \
            failures++;                                                           \
        }                                                                         \
    } while (0)

static const struct attack *first;
static size_t total, runs;

static void run_attacks(enum place place, enum expected expected)
{
    for (size_t i = 0; i < total; i++) {
        if (first[i].place == place && first[i].expected == expected) {
            first[i].run(&first[i]);
            runs++;
            end_attack();
        }
    }
}

static int32_t a_credentials_function(void *user, tokenlease_credentials *credentials)
{
    tokenlease_error *error = NULL;
    if (user) {
        a_credentials = credentials;
        run_attacks(IN_CREDENTIALS, IS_BAD);
        run_attacks(IN_CREDENTIALS, IS_ANY);
        return -1;
    }
    DONE(tokenlease_credentials_set_password(credentials, T(getenv("PASSWORD")), &error));
    if (getenv("CLIENT_SECRET")) {
        DONE(tokenlease_credentials_set_client_secret(credentials, T(getenv("CLIENT_SECRET")),
                                                      &error));
    }
    return 0;
}

static int32_t load_with_attacks(void *user, const char *name, tokenlease_store_reply *reply)
{
    EXPECT(user == &store && name);
    if (!a_store_reply) {
        a_store_reply = reply;
        run_attacks(IN_STORE, IS_BAD);
        run_attacks(IN_STORE, IS_ANY);
    }
    return TOKENLEASE_STORE_UNAVAILABLE;
}

static int32_t a_call_function(void *user, const tokenlease_token *token,
                               tokenlease_response *response)
{
    tokenlease_error *error = NULL;
    EXPECT(token);
    if (user) {
        a_response = response;
        run_attacks(IN_CALL, IS_BAD);
        run_attacks(IN_CALL, IS_ANY);
    }
    DONE(tokenlease_response_set(response, 200, "{}", 2, &error));
    return 0;
}

/* Runs the attacks on borrowed handles, in the functions that borrow them. */
static void run_borrowed(void)
{
    tokenlease_config *config = config_of_environment();
    tokenlease_client *client = NULL;
    tokenlease_token *token = NULL;
    tokenlease_error *error = NULL;
    tokenlease_store_functions functions = memory_functions;
    functions.load = load_with_attacks;
    DONE(tokenlease_config_set_store(config, &functions, &store, &error));
    DONE(tokenlease_config_set_secret(config, T("store_passphrase"), T("a passphrase"), &error));
    EXPECT(tokenlease_client_new(config, NULL, &client, NULL) == TOKENLEASE_STORE);
    tokenlease_config_free(config);

    config = config_of_environment();
    DONE(tokenlease_config_set_credentials_function(config, a_credentials_function, &store, NULL,
                                                    &error));
    DONE(tokenlease_client_new(config, NULL, &client, &error));
    EXPECT(tokenlease_client_token(client, NULL, &token, NULL) == TOKENLEASE_CONFIG && !token);
    tokenlease_client_free(client);
    tokenlease_config_free(config);

    config = config_of_environment();
    DONE(tokenlease_client_new(config, NULL, &client, &error));
    DONE(tokenlease_client_call(client, NULL, a_call_function, &store, &error));
    DONE(tokenlease_client_close(client, NULL, &error));
    EXPECT(a_credentials && a_store_reply && a_response);
    tokenlease_client_free(client);
    tokenlease_config_free(config);
}

/* With "errors": only those that must be errors, which send nothing. */
static int run_all(const struct attack *attacks, size_t count, const char *which)
{
    tokenlease_config *config = NULL;
    tokenlease_error *error = NULL;
    first = attacks;
    total = count;
    memory_new(&store, NO_FAULT);
    DONE(tokenlease_config_new(&config, &error));
    DONE(tokenlease_registry_new(config, &shared, &error));
    if (strcmp(which, "errors") == 0) {
        run_attacks(ANYWHERE, IS_BAD);
    } else {
        run_attacks(ANYWHERE, IS_ANY);
        run_borrowed();
    }
    tokenlease_registry_free(shared);
    tokenlease_config_free(config);
    memory_free(&store);
    printf("%zu\n", runs);
    return failures != 0;
}

#endif
