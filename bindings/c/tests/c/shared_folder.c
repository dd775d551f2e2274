/* Two clients of one registry, whose store is a folder shared by processes. */
#include "support.h"

int main(void)
{
    tokenlease_config *shared = NULL, *config = config_of_environment();
    tokenlease_registry *registry = NULL;
    tokenlease_client *one = NULL, *other = NULL;
    tokenlease_token *token = NULL, *again = NULL;
    tokenlease_error *error = NULL;

    DONE(tokenlease_config_new(&shared, &error));
    DONE(tokenlease_config_set(shared, T("store"), T(getenv("STORE")), &error));
    DONE(tokenlease_registry_new(shared, &registry, &error));
    FAILS(TOKENLEASE_CONFIG, "registry", tokenlease_client_new(shared, registry, &one, &error));
    tokenlease_config_free(shared);

    DONE(tokenlease_client_new(config, registry, &one, &error));
    DONE(tokenlease_client_new(config, registry, &other, &error));
    /* The store belongs to the registry: its clients cannot have another. */
    DONE(tokenlease_config_set(config, T("store"), T("memory:"), &error));
    tokenlease_client *third = NULL;
    FAILS(TOKENLEASE_CONFIG, "\"store\"",
          tokenlease_client_new(config, registry, &third, &error));
    tokenlease_config_free(config);
    tokenlease_registry_free(registry);

    DONE(tokenlease_client_token(one, NULL, &token, &error));
    DONE(tokenlease_client_token(other, NULL, &again, &error));
    EXPECT(strcmp(tokenlease_token_text(token), tokenlease_token_text(again)) == 0);
    DONE(tokenlease_client_close(one, NULL, &error));
    DONE(tokenlease_client_close(other, NULL, &error));
    tokenlease_token_free(again);
    tokenlease_token_free(token);
    tokenlease_client_free(other);
    tokenlease_client_free(one);
    return 0;
}
