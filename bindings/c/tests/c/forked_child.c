/* A forked child has the memory of its parent, and none of its threads. */
#define _XOPEN_SOURCE 700
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

static void child(tokenlease_client *client, tokenlease_registry *registry, int makes_client)
{
    tokenlease_config *config = config_of_environment();
    tokenlease_client *own = NULL;
    tokenlease_token *token = NULL;
    tokenlease_error *error = NULL;
    tokenlease_token_options options = TOKENLEASE_TOKEN_OPTIONS_INIT;
    options.deadline_ms = 5000;
    alarm(20); /* a hang fails the test */
    FAILS(TOKENLEASE_FORKED, "make a new client after the fork",
          tokenlease_client_token(client, &options, &token, &error));
    FAILS(TOKENLEASE_FORKED, "", tokenlease_client_forget(client, &error));
    FAILS(TOKENLEASE_FORKED, "", tokenlease_client_new(config, registry, &own, &error));
    tokenlease_client_free(client);
    tokenlease_registry_free(registry);
    if (makes_client) {
        DONE(tokenlease_client_new(config, NULL, &own, &error));
        DONE(tokenlease_client_token(own, NULL, &token, &error));
    }
    tokenlease_token_free(token);
    tokenlease_client_free(own);
    tokenlease_config_free(config);
    exit(0);
}

static void fork_child(tokenlease_client *client, tokenlease_registry *registry, int makes_client)
{
    int status = 0;
    pid_t pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        child(client, registry, makes_client);
    }
    EXPECT(waitpid(pid, &status, 0) == pid);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    tokenlease_config *config = NULL;
    tokenlease_registry *registry = NULL;
    tokenlease_client *client = NULL;
    tokenlease_token *token = NULL;
    tokenlease_error *error = NULL;
    DONE(tokenlease_config_new(&config, &error));
    DONE(tokenlease_registry_new(config, &registry, &error));
    tokenlease_config_free(config);
    config = config_of_environment();
    DONE(tokenlease_client_new(config, registry, &client, &error));
    tokenlease_config_free(config);

    fork_child(client, registry, 0); /* before the first call */
    DONE(tokenlease_client_token(client, NULL, &token, &error));
    fork_child(client, registry, 1); /* the child lacks the threads of the library */
    /* The parent is unaffected. */
    tokenlease_token_free(token);
    DONE(tokenlease_client_token(client, NULL, &token, &error));
    tokenlease_token_free(token);
    tokenlease_client_free(client);
    tokenlease_registry_free(registry);
    return 0;
}
