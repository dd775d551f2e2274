/* A thousand threads on a cold client: for each line that is read, they all ask at once, and the
 * milliseconds until the last has its token are printed. The server's address is the argument. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <tokenlease.h>

enum { CALLERS = 1000 };

struct caller {
    pthread_t thread;
    double answered;
};

static tokenlease_client *client;
/* One lets the next in: all at once would contend before they ask. */
static pthread_mutex_t begin = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t end;

static double now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void *ask(void *argument)
{
    struct caller *caller = argument;
    char buffer[256];
    size_t length;

    pthread_mutex_lock(&begin);
    pthread_mutex_unlock(&begin);
    if (!tokenlease_client_copy_token(client, buffer, sizeof buffer, &length, NULL)) {
        caller->answered = now();
    }
    /* A thread's end costs more than its answer, and would hold up the others. */
    pthread_barrier_wait(&end);
    return NULL;
}

/* From when they may ask to the last that is answered; negative where one is not. */
static double all_at_once(void)
{
    static struct caller callers[CALLERS];
    pthread_attr_t small;
    double began, last = 0;

    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 * 1024);
    pthread_barrier_init(&end, NULL, CALLERS);
    pthread_mutex_lock(&begin);
    for (int i = 0; i < CALLERS; i++) {
        callers[i].answered = 0;
        if (pthread_create(&callers[i].thread, &small, ask, &callers[i])) {
            return -1;
        }
    }
    began = now();
    pthread_mutex_unlock(&begin);
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        if (!callers[i].answered) {
            return -1;
        }
        last = callers[i].answered > last ? callers[i].answered : last;
    }
    pthread_barrier_destroy(&end);
    pthread_attr_destroy(&small);
    return last - began;
}

int main(int argc, char **argv)
{
    tokenlease_config *config = NULL, *none = NULL;
    tokenlease_registry *registry = NULL;
    tokenlease_error *error = NULL;

    if (argc != 2 || tokenlease_config_new(&none, &error) || tokenlease_config_new(&config, &error)
        || tokenlease_config_set(config, "provider", "wyn", &error)
        || tokenlease_config_set(config, "server", argv[1], &error)
        || tokenlease_config_set(config, "user", getenv("LOGIN"), &error)
        || tokenlease_config_set(config, "client_id", getenv("CLIENT"), &error)
        || tokenlease_config_set_password(config, getenv("PASSWORD"), &error)
        || tokenlease_config_set_client_secret(config, getenv("CLIENT_SECRET"), &error)) {
        fprintf(stderr, "%s\n", error ? tokenlease_error_message(error) : "usage");
        return 1;
    }
    while (getchar() != EOF) {
        double took;

        /* Another registry has another store: a client of the same one would find the token. */
        if (tokenlease_registry_new(none, &registry, &error)
            || tokenlease_client_new(config, registry, &client, &error)
            || (took = all_at_once()) < 0) {
            fprintf(stderr, "%s\n", error ? tokenlease_error_message(error) : "a caller failed");
            return 1;
        }
        printf("%f\n", took);
        fflush(stdout);
        tokenlease_client_free(client);
        tokenlease_registry_free(registry);
    }
    tokenlease_config_free(config);
    tokenlease_config_free(none);
    return 0;
}
