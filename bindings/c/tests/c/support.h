/* Helpers of the test programs. The environment has the options and the secrets of the client. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tokenlease.h>

#define T(text) TOKENLEASE_TEXT(text)

#define EXPECT(condition)                                                         \
    do {                                                                          \
        if (!(condition)) {                                                       \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                              \
        }                                                                         \
    } while (0)

/* Runs a call that must succeed and whose last argument is `&error`. */
#define DONE(call)                                                                \
    do {                                                                          \
        tokenlease_status status_ = (call);                                       \
        if (status_ != TOKENLEASE_OK) {                                           \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__,                \
                    tokenlease_status_name(status_), tokenlease_error_message(error)); \
            exit(1);                                                              \
        }                                                                         \
    } while (0)

/* Runs a call that must fail with this status and a message that contains this text. */
#define FAILS(expected, text, call)                                               \
    do {                                                                          \
        error = NULL;                                                             \
        tokenlease_status status_ = (call);                                       \
        if (status_ != (expected) || !error                                       \
            || tokenlease_error_status(error) != status_                          \
            || !strstr(tokenlease_error_message(error), (text))) {                \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__,                \
                    tokenlease_status_name(status_),                              \
                    error ? tokenlease_error_message(error) : "no error");        \
            exit(1);                                                              \
        }                                                                         \
        tokenlease_error_free(error);                                             \
        error = NULL;                                                             \
    } while (0)

/* Makes a config from the environment: OPTION_user is the option "user". */
static tokenlease_config *config_of_environment(void)
{
    static const char *const options[] = {"provider", "server",   "user",  "contract",
                                          "client_id", "timeout", "deadline", "ca",
                                          "token_header", NULL};
    tokenlease_config *config = NULL;
    tokenlease_error *error = NULL;
    DONE(tokenlease_config_new(&config, &error));
    for (int i = 0; options[i]; i++) {
        char name[32];
        snprintf(name, sizeof name, "OPTION_%s", options[i]);
        if (getenv(name)) {
            DONE(tokenlease_config_set(config, T(options[i]), T(getenv(name)), &error));
        }
    }
    if (getenv("PASSWORD")) {
        DONE(tokenlease_config_set_password(config, T(getenv("PASSWORD")), &error));
    }
    if (getenv("CLIENT_SECRET")) {
        DONE(tokenlease_config_set_client_secret(config, T(getenv("CLIENT_SECRET")), &error));
    }
    return config;
}

static inline tokenlease_client *client_of_environment(void)
{
    tokenlease_config *config = config_of_environment();
    tokenlease_client *client = NULL;
    tokenlease_error *error = NULL;
    DONE(tokenlease_client_new(config, NULL, &client, &error));
    tokenlease_config_free(config);
    return client;
}

static inline int is_winkas(void)
{
    return strcmp(getenv("OPTION_provider"), "winkas") == 0;
}

/* Asks the test to do something, and waits until it is done. */
static inline void request(const char *action)
{
    char line[8];
    puts(action);
    fflush(stdout);
    EXPECT(fgets(line, sizeof line, stdin));
}

#endif
