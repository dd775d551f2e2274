/* Prints, for each turn, nanoseconds a call of ours and of the limit. The server's address is the
 * first argument, the number of turns the second. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <tokenlease.h>

void limit_set(const char *text);
int limit_copy(char *buffer, size_t capacity, size_t *length);

enum { LOOPS = 200000 };

static double now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

int main(int argc, char **argv)
{
    tokenlease_config *config = NULL;
    tokenlease_client *client = NULL;
    tokenlease_error *error = NULL;
    char buffer[256];
    size_t length;

    if (argc != 3 || tokenlease_config_new(&config, &error)
        || tokenlease_config_set(config, "provider", "winkas", &error)
        || tokenlease_config_set(config, "server", argv[1], &error)
        || tokenlease_config_set(config, "user", getenv("LOGIN"), &error)
        || tokenlease_config_set(config, "contract", getenv("CONTRACT"), &error)
        || tokenlease_config_set_password(config, getenv("PASSWORD"), &error)
        || tokenlease_client_new(config, NULL, &client, &error)
        || tokenlease_client_copy_token(client, buffer, sizeof buffer, &length, &error)) {
        fprintf(stderr, "%s\n", error ? tokenlease_error_message(error) : "usage");
        return 1;
    }
    limit_set(buffer);
    for (int turn = 0; turn < atoi(argv[2]); turn++) {
        int failed = 0;
        double began = now();
        for (int i = 0; i < LOOPS; i++) {
            failed |= tokenlease_client_copy_token(client, buffer, sizeof buffer, &length, NULL);
        }
        double ours = now() - began;
        began = now();
        for (int i = 0; i < LOOPS; i++) {
            failed |= limit_copy(buffer, sizeof buffer, &length);
        }
        if (failed) {
            return 1;
        }
        printf("%f %f\n", ours / LOOPS, (now() - began) / LOOPS);
    }
    tokenlease_client_free(client);
    tokenlease_config_free(config);
    return 0;
}
