/* 32 threads share a client, a token, an error and a log: they get, report, validate, inspect and
 * interrupt at once. Under helgrind, their own data and what the library hands them is checked. */
#define _XOPEN_SOURCE 700
#include "support.h"

#include <pthread.h>

enum { THREADS = 32, ROUNDS = 2 };

struct shared {
    tokenlease_client *client;
    tokenlease_token *token;
    tokenlease_error *error;
    pthread_barrier_t start;
    pthread_mutex_t lock;
    int entries, done, interrupted;
};

/* Compiled with RACY, a count is changed without the lock, and helgrind must find that. */
static void count(struct shared *shared, int *number)
{
#ifdef RACY
    (void)shared;
    *number += 1;
#else
    pthread_mutex_lock(&shared->lock);
    *number += 1;
    pthread_mutex_unlock(&shared->lock);
#endif
}

static void write_log(void *user, int32_t level, const char *event, const char *text)
{
    struct shared *shared = user;
    EXPECT(level && *event && *text);
    count(shared, &shared->entries);
}

/* Counts a call that was done, or that another thread ended. */
static int is_done(struct shared *shared, tokenlease_status status, tokenlease_error *error)
{
    if (status != TOKENLEASE_OK && status != TOKENLEASE_INTERRUPTED) {
        fprintf(stderr, "%s\n", tokenlease_error_message(error));
        exit(1);
    }
    EXPECT(!error == !status);
    tokenlease_error_free(error);
    count(shared, status ? &shared->interrupted : &shared->done);
    return status == TOKENLEASE_OK;
}

static void use_all(struct shared *shared)
{
    const tokenlease_client *client = shared->client;
    tokenlease_token *token = NULL, *replacement = NULL, *made = NULL;
    tokenlease_error *error = NULL;
    tokenlease_status status = tokenlease_client_token(client, NULL, &token, &error);
    if (!is_done(shared, status, error)) {
        return;
    }
    EXPECT(strcmp(tokenlease_token_text(token), tokenlease_token_text(shared->token)) == 0);
    EXPECT(tokenlease_token_age_ms(token) >= 0 && tokenlease_token_generation(shared->token) == 1);
    EXPECT(strstr(tokenlease_error_message(shared->error), "usr"));

    char text[512], json[16384];
    size_t length = 0;
    uint64_t logins = 0;
    bool active = false;
    error = NULL;
    /* It waits, and can be interrupted, while the server is asked about a token that a thread reported. */
    status = tokenlease_client_copy_token(client, NULL, text, sizeof text, &length, &error);
    if (!is_done(shared, status, error)) {
        tokenlease_token_free(token);
        return;
    }
    error = NULL;
    EXPECT(strcmp(text, tokenlease_token_text(token)) == 0);
    DONE(tokenlease_client_token_from_text(client, text, length, &made, &error));
    DONE(tokenlease_client_explain(client, text, sizeof text, &length, &error));
    DONE(tokenlease_client_count(client, TOKENLEASE_COUNT_LOGINS, &logins, &error));
    /* An earlier process may have logged in. */
    EXPECT(logins <= 1);

    status = tokenlease_client_report_rejected(client, shared->token, NULL, &replacement, &error);
    EXPECT(!is_done(shared, status, error) || !replacement);
    error = NULL;
    status = tokenlease_client_validate(client, made, NULL, &active, &error);
    EXPECT(!is_done(shared, status, error) || active);
    error = NULL;
    status = tokenlease_client_status_json(client, json, sizeof json, &length, &error);
    EXPECT(!is_done(shared, status, error) || strstr(json, "\"generation\":1"));
    tokenlease_token_free(made);
    tokenlease_token_free(token);
}

static void *run(void *user)
{
    struct shared *shared = user;
    pthread_barrier_wait(&shared->start);
    for (int round = 0; round < ROUNDS; round++) {
        use_all(shared);
    }
    return NULL;
}

static void *interrupt(void *user)
{
    struct shared *shared = user;
    pthread_barrier_wait(&shared->start);
    for (int i = 0; i < 20; i++) {
        tokenlease_client_interrupt(shared->client);
    }
    return NULL;
}

int main(void)
{
    static struct shared shared = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[THREADS];
    tokenlease_error *error = NULL;
    tokenlease_config *config = config_of_environment();
    EXPECT(tokenlease_config_set(config, T("usr"), T("x"), &shared.error));
    DONE(tokenlease_config_set(config, T("deadline"), T("10m"), &error));
    DONE(tokenlease_config_set_log_function(config, write_log, &shared, NULL, &error));
    DONE(tokenlease_client_new(config, NULL, &shared.client, &error));
    tokenlease_config_free(config);
    DONE(tokenlease_client_token(shared.client, NULL, &shared.token, &error));
    EXPECT(pthread_barrier_init(&shared.start, NULL, THREADS) == 0);
    for (int i = 0; i < THREADS; i++) {
        EXPECT(pthread_create(&threads[i], NULL, i == 0 ? interrupt : run, &shared) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
    }
    DONE(tokenlease_client_close(shared.client, NULL, &error));
    tokenlease_client_free(shared.client);
    EXPECT(shared.done > 0 && shared.entries > 0);
    tokenlease_token_free(shared.token);
    tokenlease_error_free(shared.error);
    pthread_barrier_destroy(&shared.start);
    return 0;
}
