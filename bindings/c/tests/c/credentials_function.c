/* A function fetches the credentials; the library calls its `drop` once. */
#define _XOPEN_SOURCE 700
#include "support.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

struct vault {
    const char *password;
    volatile sig_atomic_t calls;
    volatile sig_atomic_t dropped;
};

/* Waits for `drop`: a background task of the library may still hold the function. */
static void wait_until_dropped(const struct vault *vault)
{
    const struct timespec moment = {0, 1000000};
    alarm(20);
    while (!vault->dropped) {
        nanosleep(&moment, NULL);
    }
    alarm(0);
}

static int32_t fetch(void *user, tokenlease_credentials *credentials)
{
    struct vault *vault = user;
    vault->calls++;
    if (!vault->password) {
        return 42;
    }
    tokenlease_error *error = NULL;
    DONE(tokenlease_credentials_set_password(credentials, T(vault->password), &error));
    if (getenv("CLIENT_SECRET")) {
        DONE(tokenlease_credentials_set_client_secret(credentials, T(getenv("CLIENT_SECRET")),
                                                      &error));
        DONE(tokenlease_credentials_add_extra_secret(credentials, T("customizedParam"),
                                                     T("canary"), &error));
    }
    return 0;
}

static void drop(void *user)
{
    ((struct vault *)user)->dropped++;
}

int main(void)
{
    struct vault locked = {NULL, 0, 0}, open = {getenv("PASSWORD"), 0, 0};
    tokenlease_config *config = config_of_environment();
    tokenlease_client *client = NULL;
    tokenlease_token *token = NULL;
    tokenlease_error *error = NULL;

    DONE(tokenlease_config_set_credentials_function(config, fetch, &locked, drop, &error));
    DONE(tokenlease_client_new(config, NULL, &client, &error));
    EXPECT(locked.calls == 0);
    FAILS(TOKENLEASE_CONFIG, "(42)", tokenlease_client_token(client, NULL, &token, &error));
    EXPECT(locked.calls == 1 && locked.dropped == 0);

    /* Another function replaces it, in the config and in the client. */
    DONE(tokenlease_config_set_credentials_function(config, fetch, &open, drop, &error));
    EXPECT(locked.dropped == 0);
    DONE(tokenlease_client_set_credentials(client, config, &error));
    wait_until_dropped(&locked);
    DONE(tokenlease_client_token(client, NULL, &token, &error));
    int calls = open.calls;
    EXPECT(calls > 0);
    tokenlease_token_free(token);
    DONE(tokenlease_client_token(client, NULL, &token, &error));
    EXPECT(open.calls == calls);
    tokenlease_token_free(token);
    DONE(tokenlease_client_close(client, NULL, &error));

    tokenlease_config_free(config);
    EXPECT(open.dropped == 0);
    tokenlease_client_free(client);
    wait_until_dropped(&open);
    EXPECT(open.dropped == 1 && locked.dropped == 1);
    return 0;
}
