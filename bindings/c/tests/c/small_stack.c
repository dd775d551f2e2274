/* Every call that waits fits into the stack of a small thread. */
#define _XOPEN_SOURCE 700
#include <pthread.h>

#include "support.h"

static int32_t call_api(void *user, const tokenlease_token *token, tokenlease_response *response)
{
    tokenlease_error *error = NULL;
    (void)user, (void)token;
    DONE(tokenlease_response_set(response, 401, NULL, 0, &error));
    return 0;
}

static void *make_calls(void *unused)
{
    tokenlease_client *client = client_of_environment();
    tokenlease_token *token = NULL, *replacement = NULL;
    tokenlease_error *error = NULL;
    bool answer = false;
    DONE(tokenlease_client_token(client, NULL, &token, &error));
    DONE(tokenlease_client_call(client, NULL, call_api, NULL, &error));
    DONE(tokenlease_client_report_rejected(client, token, NULL, &replacement, &error));
    EXPECT(!replacement);
    DONE(tokenlease_client_validate(client, token, NULL, &answer, &error));
    EXPECT(answer);
    DONE(tokenlease_client_adopt(client, token, 60000, &error));
    if (is_winkas()) {
        DONE(tokenlease_client_refetch(client, NULL, &replacement, &error));
        tokenlease_token_free(replacement);
    } else {
        DONE(tokenlease_client_revoke(client, token, NULL, &answer, &error));
    }
    DONE(tokenlease_client_unblock(client, &error));
    DONE(tokenlease_client_forget(client, &error));
    DONE(tokenlease_client_close(client, NULL, &error));
    tokenlease_token_free(token);
    tokenlease_client_free(client);
    return unused;
}

int main(void)
{
    pthread_attr_t small;
    pthread_t thread;
    EXPECT(getenv("STACK") && pthread_attr_init(&small) == 0);
    EXPECT(pthread_attr_setstacksize(&small, (size_t)atoi(getenv("STACK"))) == 0);
    EXPECT(pthread_create(&thread, &small, make_calls, NULL) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
    return pthread_attr_destroy(&small);
}
