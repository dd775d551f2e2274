/* A function gets the events of its clients, and is not called after their end. */
#define _XOPEN_SOURCE 700
#include "support.h"

#include <pthread.h>
#include <time.h>

struct log {
    pthread_mutex_t lock;
    int debugs, warnings, dropped;
    char warning[1024];
    tokenlease_client *client;
    int freed;
};

static void write_log(void *user, int32_t level, const char *event, const char *text)
{
    struct log *log = user;
    pthread_mutex_lock(&log->lock);
    EXPECT(!log->dropped && *event && *text && !strstr(text, "canary"));
    EXPECT(level == TOKENLEASE_LOG_DEBUG || level == TOKENLEASE_LOG_WARNING);
    if (level == TOKENLEASE_LOG_DEBUG) {
        log->debugs++;
    } else {
        log->warnings++;
        snprintf(log->warning, sizeof log->warning, "%s: %s", event, text);
    }
    /* Nobody calls the client after the call that this event is of. */
    tokenlease_client *client = strcmp(event, "forgotten") == 0 ? log->client : NULL;
    pthread_mutex_unlock(&log->lock);
    if (client) {
        /* It may call its client, and free it. */
        static char status[16384];
        size_t length = 0;
        tokenlease_error *error = NULL;
        DONE(tokenlease_client_status_json(client, status, sizeof status, &length, &error));
        tokenlease_client_free(client);
        __atomic_store_n(&log->freed, 1, __ATOMIC_RELEASE);
    }
}

static void drop(void *user)
{
    __atomic_fetch_add(&((struct log *)user)->dropped, 1, __ATOMIC_RELEASE);
}

/* Waits until the function has returned, and freed what it was passed. */
static void wait_until(const int *flag)
{
    const struct timespec moment = {0, 1000000};
    while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE)) {
        nanosleep(&moment, NULL);
    }
}

int main(void)
{
    static struct log right = {.lock = PTHREAD_MUTEX_INITIALIZER};
    static struct log wrong = {.lock = PTHREAD_MUTEX_INITIALIZER};
    static struct log last = {.lock = PTHREAD_MUTEX_INITIALIZER};
    tokenlease_config *config = config_of_environment();
    tokenlease_client *client = NULL;
    tokenlease_token *token = NULL;
    tokenlease_error *error = NULL;

    DONE(tokenlease_config_set_log_function(config, write_log, &right, drop, &error));
    DONE(tokenlease_client_new(config, NULL, &client, &error));
    DONE(tokenlease_client_token(client, NULL, &token, &error));
    tokenlease_token_free(token);
    DONE(tokenlease_client_close(client, NULL, &error));
    /* Wyn issues tokens for 10 years if no lifetime is requested. */
    EXPECT(right.debugs > 0 && (!right.warnings || strstr(right.warning, "long_lifetime: ")));
    /* The next function replaces it for later clients. */
    DONE(tokenlease_config_set_log_function(config, write_log, &wrong, drop, &error));
    EXPECT(!right.dropped);
    tokenlease_client_free(client);
    /* The thread that ran the function may still hold it for a moment. */
    wait_until(&right.dropped);

    DONE(tokenlease_config_set_password(config, T("canary-wrong"), &error));
    DONE(tokenlease_client_new(config, NULL, &client, &error));
    FAILS(TOKENLEASE_CREDENTIALS_REJECTED, "", tokenlease_client_token(client, NULL, &token, &error));
    DONE(tokenlease_client_close(client, NULL, &error));
    EXPECT(wrong.warnings == 1);
    EXPECT(strstr(wrong.warning, "circuit_opened: circuit opened, not sent before ")
           == wrong.warning);
    EXPECT(strstr(wrong.warning, "credentials rejected: "));
    tokenlease_client_free(client);

    /* Freed by its own function. */
    DONE(tokenlease_config_set_log_function(config, write_log, &last, drop, &error));
    DONE(tokenlease_config_set_password(config, T(getenv("PASSWORD")), &error));
    DONE(tokenlease_client_new(config, NULL, &client, &error));
    tokenlease_config_free(config);
    wait_until(&wrong.dropped);
    DONE(tokenlease_client_token(client, NULL, &token, &error));
    tokenlease_token_free(token);
    pthread_mutex_lock(&last.lock);
    last.client = client;
    pthread_mutex_unlock(&last.lock);
    DONE(tokenlease_client_forget(client, &error));
    wait_until(&last.freed);
    wait_until(&last.dropped);
    EXPECT(right.dropped == 1 && wrong.dropped == 1 && last.dropped == 1);
    return 0;
}
