/* The examples of tokenlease.h for hosts with their own profiles, stores and HTTP libraries. */
#include "memory_store.h"

#define URL_SIZE 512

static void sources(tokenlease_config *config)
{
    tokenlease_error *error = NULL;
    /* example: config_sources */
    const char *json = "{\"deadline\": \"20s\", \"user-agent\": \"Plugin/1.0\"}";
    if (tokenlease_config_load_environment(config, &error)
        || tokenlease_config_set_json(config, TOKENLEASE_TEXT(json), &error)) {
        fprintf(stderr, "%s\n", tokenlease_error_message(error));
    }
    /* end */
    EXPECT(!error);

    /* example: option_table */
    for (size_t i = 0; i < tokenlease_option_count(); i++) {
        printf("%s (%s): %s\n", tokenlease_option_name(i), tokenlease_option_type(i),
               tokenlease_option_meaning(i));
    }
    /* end */
}

static void store(tokenlease_config *config)
{
    tokenlease_error *error = NULL;
    memory_store my_store;
    memory_new(&my_store, NO_FAULT);
    const char *key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    DONE(tokenlease_config_set_secret(config, T("store_key"), T(key), &error));
    DONE(tokenlease_store_check(&memory_functions, &my_store, 10000, memory_pass, &error));
    /* example: custom_store */
    tokenlease_store_functions functions = TOKENLEASE_STORE_FUNCTIONS_INIT;
    functions.load = memory_load;
    functions.swap = memory_swap;
    functions.lock = memory_lock;
    functions.renew = memory_renew;
    functions.unlock = memory_unlock;
    if (tokenlease_config_set_store(config, &functions, &my_store, &error)) {
        fprintf(stderr, "%s\n", tokenlease_error_message(error));
    }
    /* end */
    EXPECT(!error);
    tokenlease_config_free(config);
    memory_free(&my_store);
}

/* In place of the function of a program that sends the request of an effect. */
static tokenlease_status send_it(tokenlease_effect *effect, tokenlease_error **error)
{
    EXPECT(strlen(tokenlease_request_url(tokenlease_effect_request(effect))) < URL_SIZE);
    return tokenlease_effect_not_sent(effect, TOKENLEASE_TEXT("no network"), error);
}

static void machine(const tokenlease_config *config)
{
    tokenlease_error *error = NULL;
    tokenlease_machine *machine = NULL;
    tokenlease_token_options options = TOKENLEASE_TOKEN_OPTIONS_INIT;
    options.deadline_ms = 1;
    DONE(tokenlease_machine_new(config, NULL, NULL, &machine, &error));
    /* example: machine */
    tokenlease_machine_call *call = NULL;
    tokenlease_effect *effect = NULL;
    tokenlease_result result;
    tokenlease_token *token = NULL;
    tokenlease_status status =
        tokenlease_machine_begin(machine, TOKENLEASE_CALL_TOKEN, NULL, &options, &call, &error);
    while (!status && !tokenlease_machine_call_is_complete(call)) {
        status = tokenlease_machine_poll(machine, call, &effect, &error);
        if (!status) {
            // send_it sends tokenlease_effect_request(effect), and calls tokenlease_effect_answered.
            status = tokenlease_effect_action(effect) == TOKENLEASE_ACTION_SEND
                         ? send_it(effect, &error)
                         : tokenlease_effect_perform(effect, &error);
            tokenlease_effect_free(effect);
        }
    }
    if (!status) {
        status = tokenlease_machine_call_result(call, &result, &token, &error);
    }
    tokenlease_machine_call_free(call);
    /* end */
    EXPECT(status && !token);
    tokenlease_error_free(error);
    tokenlease_machine_free(machine);
}

static void exchange(const tokenlease_config *config)
{
    tokenlease_error *error = NULL;
    /* example: exchange */
    tokenlease_exchange *login = NULL;
    if (tokenlease_exchange_new(config, NULL, TOKENLEASE_EXCHANGE_LOGIN, NULL, &login, &error)
        == TOKENLEASE_OK) {
        const tokenlease_request *request = tokenlease_exchange_request(login);
        printf("%s %s\n", tokenlease_request_method(request), tokenlease_request_url(request));
        // Send it, and pass what was answered to tokenlease_exchange_read.
    }
    tokenlease_exchange_free(login);
    /* end */
    EXPECT(!error);
}

int main(void)
{
    tokenlease_config *config = config_of_environment();
    tokenlease_error *error = NULL;
    if (getenv("CLIENT_SECRET")) {
        DONE(tokenlease_config_set_client_secret(config, T(getenv("CLIENT_SECRET")), &error));
    }
    machine(config);
    exchange(config);
    tokenlease_config_free(config);
    DONE(tokenlease_config_new(&config, &error));
    sources(config);
    store(config);
    return 0;
}
