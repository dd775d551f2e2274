/* 64 threads call a client without a token at once, and all get the same token. */
#define _XOPEN_SOURCE 700
#include "support.h"

#include <pthread.h>

enum { THREADS = 64 };

static tokenlease_client *client;
static pthread_barrier_t start;

static void *get_token(void *output)
{
    tokenlease_error *error = NULL;
    pthread_barrier_wait(&start);
    DONE(tokenlease_client_token(client, NULL, output, &error));
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    tokenlease_token *tokens[THREADS] = {NULL};
    client = client_of_environment();
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        EXPECT(pthread_create(&threads[i], NULL, get_token, &tokens[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        EXPECT(strcmp(tokenlease_token_text(tokens[0]), tokenlease_token_text(tokens[i])) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        tokenlease_token_free(tokens[i]);
    }
    pthread_barrier_destroy(&start);
    tokenlease_client_free(client);
    return 0;
}
