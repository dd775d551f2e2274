/* Threads that share a machine: each runs the loop of a host with its own call. */
#include <pthread.h>

#include "machine_support.h"

#define THREADS 16

static void *get(void *machine)
{
    return token_of(machine);
}

int main(void)
{
    tokenlease_machine *machine = machine_of_environment();
    pthread_t threads[THREADS];
    void *tokens[THREADS];
    for (int i = 0; i < THREADS; i++) {
        EXPECT(pthread_create(&threads[i], NULL, get, machine) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        EXPECT(pthread_join(threads[i], &tokens[i]) == 0);
        EXPECT(same(tokens[0], tokens[i]));
    }
    for (int i = 0; i < THREADS; i++) {
        tokenlease_token_free(tokens[i]);
    }
    tokenlease_machine_free(machine);
    curl_global_cleanup();
    return 0;
}
