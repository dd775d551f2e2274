/* Another thread ends a wait, a call has its own deadline, and a callback asks its own client. */
#define _XOPEN_SOURCE 700
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

/* Runs a call until its deadline ends it. */
#define LATE(call)                                                                \
    do {                                                                          \
        tokenlease_status late_ = TOKENLEASE_OK;                                  \
        for (int i_ = 0; i_ < 1000 && late_ == TOKENLEASE_OK; i_++) {             \
            error = NULL;                                                         \
            late_ = (call);                                                       \
        }                                                                         \
        EXPECT(late_ == TOKENLEASE_DEADLINE_EXCEEDED && error);                   \
        tokenlease_error_free(error);                                             \
        error = NULL;                                                             \
    } while (0)

/* A function that fetches credentials when it may. */
struct vault {
    tokenlease_client *client;
    sem_t called;
    sem_t open;
};

static int32_t fetch(void *user, tokenlease_credentials *credentials)
{
    struct vault *vault = user;
    tokenlease_error *error = NULL;
    tokenlease_token *token = NULL;
    sem_post(&vault->called);
    EXPECT(sem_wait(&vault->open) == 0);
    sem_post(&vault->open);
    FAILS(TOKENLEASE_CONFIG, "its own client",
          tokenlease_client_token(vault->client, NULL, &token, &error));
    FAILS(TOKENLEASE_CONFIG, "its own client",
          tokenlease_client_close(vault->client, NULL, &error));
    DONE(tokenlease_credentials_set_password(credentials, T(getenv("PASSWORD")), &error));
    if (getenv("CLIENT_SECRET")) {
        DONE(tokenlease_credentials_set_client_secret(credentials, T(getenv("CLIENT_SECRET")),
                                                      &error));
    }
    return 0;
}

struct caller {
    const tokenlease_client *client;
    volatile int has_returned;
};

static void *ask(void *data)
{
    struct caller *caller = data;
    tokenlease_token *token = NULL;
    tokenlease_error *error = NULL;
    FAILS(TOKENLEASE_INTERRUPTED, "interrupted",
          tokenlease_client_token(caller->client, NULL, &token, &error));
    __atomic_store_n(&caller->has_returned, 1, __ATOMIC_RELEASE);
    return NULL;
}

int main(void)
{
    struct vault vault;
    vault.client = NULL;
    EXPECT(sem_init(&vault.called, 0, 0) == 0 && sem_init(&vault.open, 0, 0) == 0);
    tokenlease_config *config = config_of_environment();
    tokenlease_token *token = NULL;
    tokenlease_error *error = NULL;
    bool active = false;
    DONE(tokenlease_config_set(config, T("deadline"), T("1h"), &error));
    DONE(tokenlease_config_set_credentials_function(config, fetch, &vault, NULL, &error));
    DONE(tokenlease_client_new(config, NULL, &vault.client, &error));
    tokenlease_config_free(config);

    struct caller caller = {vault.client, 0};
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, ask, &caller) == 0);
    EXPECT(sem_wait(&vault.called) == 0);
    while (!__atomic_load_n(&caller.has_returned, __ATOMIC_ACQUIRE)) {
        tokenlease_client_interrupt(vault.client);
        sched_yield();
    }
    EXPECT(pthread_join(thread, NULL) == 0);
    tokenlease_client_interrupt(NULL);

    tokenlease_wait_options soon = TOKENLEASE_WAIT_OPTIONS_INIT;
    soon.deadline_ms = 0;
    tokenlease_token *other = NULL;
    DONE(tokenlease_client_token_from_text(vault.client, T("other"), &other, &error));
    /* On a busy machine an answer may be there before the wait begins. */
    LATE(tokenlease_client_validate(vault.client, other, &soon, &active, &error));
    LATE(tokenlease_client_report_rejected(vault.client, other, &soon, &token, &error));
    if (is_winkas()) {
        LATE(tokenlease_client_refetch(vault.client, &soon, &token, &error));
    } else {
        LATE(tokenlease_client_revoke(vault.client, other, &soon, &active, &error));
    }
    soon.size = 1;
    FAILS(TOKENLEASE_BAD_ARGUMENT, "size", tokenlease_client_close(vault.client, &soon, &error));
    tokenlease_token_free(other);

    sem_post(&vault.open);
    DONE(tokenlease_client_token(vault.client, NULL, &token, &error));
    tokenlease_token_free(token);
    DONE(tokenlease_client_close(vault.client, NULL, &error));
    tokenlease_client_free(vault.client);
    return 0;
}
