/* Logs in at a server that closes its connections abruptly. SIGPIPE has its default, which ends the
 * process, or is counted. */
#define _XOPEN_SOURCE 700
#include "support.h"

#include <signal.h>

enum { LOGINS = 60 };

static volatile sig_atomic_t signals = 0;

static void count(int number)
{
    (void)number;
    signals++;
}

int main(void)
{
    int handles = strcmp(getenv("HANDLES_SIGPIPE"), "1") == 0;
    EXPECT(signal(SIGPIPE, handles ? count : SIG_DFL) != SIG_ERR);
    for (int i = 0; i < LOGINS; i++) {
        char user[32];
        snprintf(user, sizeof user, "user-%d", i);
        tokenlease_error *error = NULL;
        tokenlease_config *config = NULL;
        tokenlease_client *client = NULL;
        tokenlease_token *token = NULL;
        DONE(tokenlease_config_new(&config, &error));
        DONE(tokenlease_config_set(config, T("provider"), T("winkas"), &error));
        DONE(tokenlease_config_set(config, T("server"), T(getenv("SERVER")), &error));
        DONE(tokenlease_config_set(config, T("ca"), T(getenv("AUTHORITY")), &error));
        DONE(tokenlease_config_set(config, T("contract"), T("code"), &error));
        DONE(tokenlease_config_set(config, T("user"), T(user), &error));
        DONE(tokenlease_config_set_password(config, T("password"), &error));
        DONE(tokenlease_client_new(config, NULL, &client, &error));
        tokenlease_status status = tokenlease_client_token(client, NULL, &token, &error);
        EXPECT(status == TOKENLEASE_TRANSPORT || status == TOKENLEASE_UNAVAILABLE);
        tokenlease_error_free(error);
        tokenlease_client_free(client);
        tokenlease_config_free(config);
    }
    printf("%d signals\n", (int)signals);
    return 0;
}
