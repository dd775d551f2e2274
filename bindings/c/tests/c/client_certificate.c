/* A server requires a client certificate. ENCRYPTED_KEY is the file of an encrypted key. */
#include "support.h"

static tokenlease_client *with_key(const char *key, tokenlease_status expected)
{
    tokenlease_config *config = config_of_environment();
    tokenlease_client *client = NULL;
    tokenlease_error *error = NULL;
    if (key) {
        DONE(tokenlease_config_set(config, T("client_cert"), T(getenv("CERTIFICATE")), &error));
        DONE(tokenlease_config_set(config, T("client_key"), T(key), &error));
    }
    EXPECT(tokenlease_client_new(config, NULL, &client, &error) == expected);
    if (error) {
        EXPECT(strstr(tokenlease_error_message(error), "is encrypted"));
        tokenlease_error_free(error);
    }
    tokenlease_config_free(config);
    return client;
}

int main(void)
{
    tokenlease_token *token = NULL;
    tokenlease_error *error = NULL;
    tokenlease_client *client = with_key(NULL, TOKENLEASE_OK);
    EXPECT(tokenlease_client_token(client, NULL, &token, &error) == TOKENLEASE_TRANSPORT);
    EXPECT(!tokenlease_error_is_retryable(error));
    EXPECT(strstr(tokenlease_error_message(error), "requires a client certificate"));
    tokenlease_error_free(error);
    error = NULL;
    tokenlease_client_free(client);

    EXPECT(!with_key(getenv("ENCRYPTED_KEY"), TOKENLEASE_CONFIG));

    client = with_key(getenv("KEY"), TOKENLEASE_OK);
    DONE(tokenlease_client_token(client, NULL, &token, &error));
    puts(tokenlease_token_text(token));
    tokenlease_token_free(token);
    tokenlease_client_free(client);
    return 0;
}
