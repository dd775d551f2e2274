/* A token is obtained, cached, rejected, validated, revoked and forgotten. */
#include "support.h"

static uint64_t count(const tokenlease_client *client, tokenlease_count counter)
{
    tokenlease_error *error = NULL;
    uint64_t count = 0;
    DONE(tokenlease_client_count(client, counter, &count, &error));
    return count;
}

int main(void)
{
    tokenlease_client *client = client_of_environment();
    tokenlease_token *token = NULL, *again = NULL, *other = NULL;
    tokenlease_error *error = NULL;
    char text[4096];
    size_t length = 0;
    bool active = false, proven = false;

    DONE(tokenlease_client_token(client, NULL, &token, &error));
    DONE(tokenlease_client_token(client, NULL, &again, &error));
    EXPECT(strcmp(tokenlease_token_text(token), tokenlease_token_text(again)) == 0);
    EXPECT(strlen(tokenlease_token_text(token)) == tokenlease_token_length(token));
    EXPECT(tokenlease_token_kind(token)
           == (is_winkas() ? TOKENLEASE_KIND_WINKAS : TOKENLEASE_KIND_BEARER));
    tokenlease_token_free(again);

    /* With a deadline, and with a minimum remaining lifetime. */
    again = NULL;
    tokenlease_token_options options = TOKENLEASE_TOKEN_OPTIONS_INIT;
    options.deadline_ms = 5000;
    DONE(tokenlease_client_token(client, &options, &again, &error));
    EXPECT(strcmp(tokenlease_token_text(token), tokenlease_token_text(again)) == 0);
    tokenlease_token_free(again);
    options.deadline_ms = TOKENLEASE_NONE;
    options.min_remaining_ms = 1000;
    DONE(tokenlease_client_copy_token(client, &options, text, sizeof text, &length, &error));
    EXPECT(strcmp(tokenlease_token_text(token), text) == 0);

    /* Into a buffer. One that lacks room for the NUL is too small. */
    DONE(tokenlease_client_copy_token(client, NULL, text, sizeof text, &length, &error));
    EXPECT(strcmp(tokenlease_token_text(token), text) == 0);
    EXPECT(length == strlen(text));
    size_t needed = 0;
    memset(text, 'x', sizeof text);
    FAILS(TOKENLEASE_BUFFER_TOO_SMALL, "the buffer holds",
          tokenlease_client_copy_token(client, NULL, text, length, &needed, &error));
    EXPECT(needed == length && text[0] == 'x');
    needed = 0;
    EXPECT(tokenlease_client_copy_token(client, NULL, NULL, 0, &needed, NULL)
           == TOKENLEASE_BUFFER_TOO_SMALL);
    EXPECT(needed == length);
    DONE(tokenlease_client_copy_token(client, NULL, text, length + 1, &length, &error));
    EXPECT(strcmp(tokenlease_token_text(token), text) == 0 && text[length + 1] == 'x');

    /* A token made from text is the same token. */
    DONE(tokenlease_client_token_from_text(client, T(text), &again, &error));
    DONE(tokenlease_client_validate(client, again, NULL, &active, &error));
    EXPECT(active);
    EXPECT(count(client, TOKENLEASE_COUNT_LOGINS) == 1);

    /* A rejected token is kept while it is active, and replaced once it is inactive. */
    other = again;
    DONE(tokenlease_client_report_rejected(client, token, NULL, &other, &error));
    EXPECT(!other);
    tokenlease_token_free(again);
    request("end the token");
    FAILS(TOKENLEASE_CONFIG, "not a token",
          tokenlease_client_token_from_text(client, T("\n"), &other, &error));
    DONE(tokenlease_client_validate(client, token, NULL, &active, &error));
    EXPECT(!active);
    DONE(tokenlease_client_report_rejected(client, token, NULL, &other, &error));
    EXPECT(other && strcmp(tokenlease_token_text(token), tokenlease_token_text(other)) != 0);
    EXPECT(count(client, TOKENLEASE_COUNT_LOGINS) == 2);

    again = NULL;
    if (is_winkas()) {
        FAILS(TOKENLEASE_UNSUPPORTED, "forget",
              tokenlease_client_revoke(client, other, NULL, &proven, &error));
        DONE(tokenlease_client_refetch(client, NULL, &again, &error));
        EXPECT(strcmp(tokenlease_token_text(other), tokenlease_token_text(again)) == 0);
        DONE(tokenlease_client_adopt(client, again, TOKENLEASE_NONE, &error));
    } else {
        FAILS(TOKENLEASE_UNSUPPORTED, "", tokenlease_client_refetch(client, NULL, &again, &error));
        EXPECT(!again);
        DONE(tokenlease_client_revoke(client, other, NULL, &proven, &error));
        EXPECT(proven && count(client, TOKENLEASE_COUNT_REVOCATIONS) == 1);
    }
    static char history[16384];
    DONE(tokenlease_client_history(client, history, sizeof history, &length, &error));
    EXPECT(strstr(history, "\"cause\":\"first\"") != NULL);
    EXPECT(length == strlen(history));
    DONE(tokenlease_client_explain(client, text, sizeof text, &length, &error));
    EXPECT(length > 0 && !strstr(text, tokenlease_token_text(token)));
    DONE(tokenlease_client_unblock(client, &error));
    DONE(tokenlease_client_forget(client, &error));
    DONE(tokenlease_client_close(client, NULL, &error));
    EXPECT(count(client, TOKENLEASE_COUNT_ERRORS) == 0);

    tokenlease_token_free(again);
    tokenlease_token_free(other);
    tokenlease_token_free(token);
    tokenlease_client_free(client);
    return 0;
}
