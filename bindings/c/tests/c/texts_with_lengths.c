/* Texts with a length need no NUL: parts of larger texts, and buffers of another language. */
#include "support.h"

/* Returns a copy without a NUL, so that valgrind finds a read behind it. */
static char *bytes(const char *text)
{
    char *copy = malloc(strlen(text));
    EXPECT(copy);
    memcpy(copy, text, strlen(text));
    return copy;
}

static void set(tokenlease_config *config, const char *name)
{
    char variable[32];
    tokenlease_error *error = NULL;
    snprintf(variable, sizeof variable, "OPTION_%s", name);
    const char *value = getenv(variable);
    if (value) {
        char *first = bytes(name), *second = bytes(value);
        DONE(tokenlease_config_set(config, first, strlen(name), second, strlen(value), &error));
        free(first);
        free(second);
    }
}

int main(void)
{
    static const char *const options[] = {"provider", "server", "user", "contract"};
    tokenlease_config *config = NULL;
    tokenlease_client *client = NULL;
    tokenlease_token *token = NULL, *again = NULL;
    tokenlease_error *error = NULL;
    DONE(tokenlease_config_new(&config, &error));
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        set(config, options[i]);
    }
    char *secret = bytes(getenv("PASSWORD"));
    DONE(tokenlease_config_set_password(config, secret, strlen(getenv("PASSWORD")), &error));
    free(secret);
    if (getenv("CLIENT_SECRET")) {
        secret = bytes(getenv("CLIENT_SECRET"));
        DONE(tokenlease_config_set_client_secret(config, secret, strlen(getenv("CLIENT_SECRET")),
                                                 &error));
        free(secret);
        DONE(tokenlease_config_add_extra_secret(config, "customizedParam=", 15, "canary", 6,
                                               &error));
    }
    DONE(tokenlease_client_new(config, NULL, &client, &error));
    DONE(tokenlease_client_token(client, NULL, &token, &error));

    char *text = bytes(tokenlease_token_text(token));
    size_t length = tokenlease_token_length(token);
    DONE(tokenlease_client_token_from_text(client, text, length, &again, &error));
    EXPECT(strcmp(tokenlease_token_text(token), tokenlease_token_text(again)) == 0);
    tokenlease_token_free(again);
    again = NULL;
    DONE(tokenlease_client_token_from_text(client, text, length - 1, &again, &error));
    EXPECT(tokenlease_token_length(again) == length - 1);
    free(text);
    tokenlease_token_free(again);
    tokenlease_token_free(token);
    tokenlease_client_free(client);
    tokenlease_config_free(config);
    return 0;
}
