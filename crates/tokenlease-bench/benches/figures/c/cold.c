/* For each line of standard input, a thousand threads request a token at once from a client without
 * one. Prints the milliseconds until the last thread has its token. The argument is the address of
 * the server. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <tokenlease.h>

#define T(text) TOKENLEASE_TEXT(text)

enum { CALLERS = 1000 };

struct caller {
    pthread_t thread;
    double done;
};

static tokenlease_client *client;
/* Threads pass one after the other. A barrier would make all of them contend before they request a
 * token. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t end;

static double now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void *request_token(void *argument)
{
    struct caller *caller = argument;
    char buffer[256];
    size_t length;

    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    if (!tokenlease_client_copy_token(client, NULL, buffer, sizeof buffer, &length, NULL)) {
        caller->done = now();
    }
    /* Wait for all: ending a thread takes longer than its request, and would delay the others. */
    pthread_barrier_wait(&end);
    return NULL;
}

/* Returns the milliseconds from the release of the threads until the last one has its token, or a
 * negative number if a thread has none. */
static double run_all(void)
{
    static struct caller callers[CALLERS];
    pthread_attr_t small;
    double start, last = 0;

    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 * 1024);
    pthread_barrier_init(&end, NULL, CALLERS);
    pthread_mutex_lock(&gate);
    for (int i = 0; i < CALLERS; i++) {
        callers[i].done = 0;
        if (pthread_create(&callers[i].thread, &small, request_token, &callers[i])) {
            return -1;
        }
    }
    start = now();
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        if (!callers[i].done) {
            return -1;
        }
        last = callers[i].done > last ? callers[i].done : last;
    }
    pthread_barrier_destroy(&end);
    pthread_attr_destroy(&small);
    return last - start;
}

int main(int argc, char **argv)
{
    tokenlease_config *config = NULL, *none = NULL;
    tokenlease_registry *registry = NULL;
    tokenlease_error *error = NULL;

    if (argc != 2 || tokenlease_config_new(&none, &error) || tokenlease_config_new(&config, &error)
        || tokenlease_config_set(config, T("provider"), T("wyn"), &error)
        || tokenlease_config_set(config, T("server"), T(argv[1]), &error)
        || tokenlease_config_set(config, T("user"), T(getenv("LOGIN")), &error)
        || tokenlease_config_set(config, T("client_id"), T(getenv("CLIENT")), &error)
        || tokenlease_config_set_password(config, T(getenv("PASSWORD")), &error)
        || tokenlease_config_set_client_secret(config, T(getenv("CLIENT_SECRET")), &error)) {
        fprintf(stderr, "%s\n", error ? tokenlease_error_message(error) : "usage: cold SERVER");
        return 1;
    }
    while (getchar() != EOF) {
        double milliseconds;

        /* A new registry has a new store. A client of the same registry would find the token. */
        if (tokenlease_registry_new(none, &registry, &error)
            || tokenlease_client_new(config, registry, &client, &error)
            || (milliseconds = run_all()) < 0) {
            fprintf(stderr, "%s\n", error ? tokenlease_error_message(error) : "a thread failed");
            return 1;
        }
        printf("%f\n", milliseconds);
        fflush(stdout);
        tokenlease_client_free(client);
        tokenlease_registry_free(registry);
    }
    tokenlease_config_free(config);
    tokenlease_config_free(none);
    return 0;
}
