/* Prints a line per turn: the nanoseconds per call of tokenlease and of the baseline. The first
 * argument is the address of the server, the second the number of turns. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <tokenlease.h>

#define T(text) TOKENLEASE_TEXT(text)

void baseline_set(const char *text);
int baseline_copy(char *buffer, size_t capacity, size_t *length);

enum { CALLS = 200000 };

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
        || tokenlease_config_set(config, T("provider"), T("winkas"), &error)
        || tokenlease_config_set(config, T("server"), T(argv[1]), &error)
        || tokenlease_config_set(config, T("user"), T(getenv("LOGIN")), &error)
        || tokenlease_config_set(config, T("contract"), T(getenv("CONTRACT")), &error)
        || tokenlease_config_set_password(config, T(getenv("PASSWORD")), &error)
        || tokenlease_client_new(config, NULL, &client, &error)
        || tokenlease_client_copy_token(client, NULL, buffer, sizeof buffer, &length, &error)) {
        fprintf(stderr, "%s\n", error ? tokenlease_error_message(error) : "usage: copy SERVER TURNS");
        return 1;
    }
    baseline_set(buffer);
    for (int turn = 0; turn < atoi(argv[2]); turn++) {
        int failed = 0;
        double start = now();
        for (int i = 0; i < CALLS; i++) {
            failed |= tokenlease_client_copy_token(client, NULL, buffer, sizeof buffer, &length, NULL);
        }
        double tokenlease = now() - start;
        start = now();
        for (int i = 0; i < CALLS; i++) {
            failed |= baseline_copy(buffer, sizeof buffer, &length);
        }
        if (failed) {
            return 1;
        }
        printf("%f %f\n", tokenlease / CALLS, (now() - start) / CALLS);
    }
    tokenlease_client_free(client);
    tokenlease_config_free(config);
    return 0;
}
