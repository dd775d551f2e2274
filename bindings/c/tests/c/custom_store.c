/* A store of the program's own passes the checks, is shared by clients, and is dropped once. */
#include "memory_store.h"

static const char KEY[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static void a_store_without_a_fault_passes_the_checks(void)
{
    memory_store store;
    tokenlease_error *error = NULL;
    memory_new(&store, NO_FAULT);
    DONE(tokenlease_store_check(&memory_functions, &store, 10000, memory_pass, &error));
    EXPECT(store.calls > 30 && store.drops == 0);
    memory_free(&store);
}

static void each_fault_is_found_and_described(void)
{
    static const struct {
        fault fault;
        const char *text;
    } faults[] = {
        {FORGETS_REVISIONS, "expected a conflict"}, {LOCKS_TWICE, "breaks a rule"},
        {UNLOCKS_ALL, "breaks a rule"},             {STANDS_STILL, "breaks a rule"},
        {SETS_NO_TIME, "set no time"},              {IS_AWAY, "out of order"},
        {REJECTS, "out of order"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        memory_store store;
        tokenlease_error *error = NULL;
        memory_new(&store, faults[i].fault);
        FAILS(TOKENLEASE_STORE, faults[i].text,
              tokenlease_store_check(&memory_functions, &store, 10000, memory_pass, &error));
        memory_free(&store);
    }
}

static void wrong_arguments_are_errors(tokenlease_config *config)
{
    memory_store store;
    tokenlease_error *error = NULL;
    tokenlease_store_functions functions = TOKENLEASE_STORE_FUNCTIONS_INIT;
    memory_new(&store, NO_FAULT);
    FAILS(TOKENLEASE_BAD_ARGUMENT, "functions is NULL",
          tokenlease_config_set_store(config, NULL, &store, &error));
    FAILS(TOKENLEASE_BAD_ARGUMENT, "functions->load is NULL",
          tokenlease_config_set_store(config, &functions, &store, &error));
    functions = memory_functions;
    functions.unlock = NULL;
    FAILS(TOKENLEASE_BAD_ARGUMENT, "functions->unlock is NULL",
          tokenlease_config_set_store(config, &functions, &store, &error));
    functions = memory_functions;
    functions.size = 8;
    FAILS(TOKENLEASE_BAD_ARGUMENT, "size",
          tokenlease_config_set_store(config, &functions, &store, &error));
    FAILS(TOKENLEASE_BAD_ARGUMENT, "config",
          tokenlease_config_set_store(NULL, &memory_functions, &store, &error));
    FAILS(TOKENLEASE_BAD_ARGUMENT, "unit_ms",
          tokenlease_store_check(&memory_functions, &store, 0, memory_pass, &error));
    FAILS(TOKENLEASE_BAD_ARGUMENT, "reply",
          tokenlease_store_reply_set_time(NULL, 0, &error));
    EXPECT(store.drops == 0 && store.calls == 0);
    memory_free(&store);
}

/* A registry on a store; the store needs a key. */
static tokenlease_registry *registry_on(memory_store *store)
{
    tokenlease_config *config = NULL;
    tokenlease_registry *registry = NULL;
    tokenlease_error *error = NULL;
    DONE(tokenlease_config_new(&config, &error));
    wrong_arguments_are_errors(config);
    DONE(tokenlease_config_set_store(config, &memory_functions, store, &error));
    FAILS(TOKENLEASE_CONFIG, "no key is given", tokenlease_registry_new(config, &registry, &error));
    DONE(tokenlease_config_set_secret(config, T("store-key"), T(KEY), &error));
    DONE(tokenlease_registry_new(config, &registry, &error));
    tokenlease_config_free(config);
    return registry;
}

static void wait_for_drops(memory_store *store, int drops)
{
    int seen;
    do {
        pthread_mutex_lock(&store->mutex);
        seen = store->drops;
        pthread_mutex_unlock(&store->mutex);
        EXPECT(seen <= drops);
    } while (seen < drops);
}

static void two_registries_share_a_store_that_is_dropped_once(void)
{
    /* The first registry owns the pointer; the second one's functions drop another counter. */
    memory_store store;
    tokenlease_error *error = NULL;
    memory_new(&store, NO_FAULT);
    tokenlease_registry *registries[2] = {registry_on(&store), registry_on(&store)};
    tokenlease_config *config = config_of_environment();
    tokenlease_client *clients[2] = {NULL, NULL};
    tokenlease_token *tokens[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        DONE(tokenlease_client_new(config, registries[i], &clients[i], &error));
        DONE(tokenlease_client_token(clients[i], NULL, &tokens[i], &error));
    }
    const char *text = tokenlease_token_text(tokens[0]);
    EXPECT(strcmp(text, tokenlease_token_text(tokens[1])) == 0);
    size_t length = strlen(text);
    for (size_t i = 0; i < store.count; i++) {
        const row *found = &store.rows[i];
        for (size_t at = 0; found->revision && at + length <= found->length; at++) {
            EXPECT(memcmp(found->bytes + at, text, length) != 0);
        }
    }
    EXPECT(store.drops == 0);
    for (int i = 0; i < 2; i++) {
        tokenlease_registry_free(registries[i]);
        EXPECT(store.drops == i);
        DONE(tokenlease_client_close(clients[i], NULL, &error));
        tokenlease_client_free(clients[i]);
        tokenlease_token_free(tokens[i]);
        /* A thread of the library may be about to end its work for the client. */
        wait_for_drops(&store, i + 1);
    }
    tokenlease_config_free(config);
    memory_free(&store);
}

/* A store that fails costs no login unless the policy allows one, and its words reach the error. */
static void a_store_that_rejects_calls_costs_no_login(void)
{
    memory_store store;
    tokenlease_error *error = NULL;
    tokenlease_client *client = NULL;
    tokenlease_token *token = NULL;
    memory_new(&store, NO_FAULT);
    tokenlease_config *config = config_of_environment();
    tokenlease_registry *registry = registry_on(&store);
    store.fault = REJECTS;
    DONE(tokenlease_config_set(config, T("deadline"), T("5s"), &error));
    DONE(tokenlease_client_new(config, registry, &client, &error));
    FAILS(TOKENLEASE_STORE, "out of order", tokenlease_client_token(client, NULL, &token, &error));
    tokenlease_client_free(client);
    tokenlease_registry_free(registry);
    tokenlease_config_free(config);
    memory_free(&store);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        a_store_that_rejects_calls_costs_no_login();
        return 0;
    }
    a_store_without_a_fault_passes_the_checks();
    each_fault_is_found_and_described();
    two_registries_share_a_store_that_is_dropped_once();
    return 0;
}
