/* A machine whose requests libcurl sends: a token is obtained, cached, rejected, validated, revoked and
 * forgotten. */
#include "machine_support.h"

int main(void)
{
    tokenlease_machine *machine = machine_of_environment();
    tokenlease_token *token = token_of(machine), *again = token_of(machine), *other = NULL;
    tokenlease_token_options options = TOKENLEASE_TOKEN_OPTIONS_INIT;
    tokenlease_error *error = NULL;
    tokenlease_result result;
    char text[4096];
    size_t length = 0;

    EXPECT(same(token, again));
    EXPECT(!getenv("OPTION_token_header")
           || strcmp(tokenlease_token_header_name(token), "Reference-Token") == 0);
    tokenlease_token_free(again);
    options.deadline_ms = 10000;
    options.min_remaining_ms = 1000;
    DONE(host_call(machine, TOKENLEASE_CALL_TOKEN, NULL, &options, &result, &again, &error));
    EXPECT(same(token, again));
    tokenlease_token_free(again);

    /* A token made from text is the same token. */
    DONE(tokenlease_machine_token_from_text(machine, T(tokenlease_token_text(token)), &again, &error));
    EXPECT(call(machine, TOKENLEASE_CALL_VALIDATE, again, NULL) == TOKENLEASE_RESULT_ACTIVE);
    tokenlease_token_free(again);

    /* A rejected token is kept while it is active, and replaced once it is inactive. */
    EXPECT(call(machine, TOKENLEASE_CALL_REPORT_REJECTED, token, NULL)
           == TOKENLEASE_RESULT_STILL_ACTIVE);
    request("end the token");
    EXPECT(call(machine, TOKENLEASE_CALL_VALIDATE, token, NULL) == TOKENLEASE_RESULT_INACTIVE);
    EXPECT(call(machine, TOKENLEASE_CALL_REPORT_REJECTED, token, &other) == TOKENLEASE_RESULT_TOKEN);
    EXPECT(!same(token, other));

    again = NULL;
    if (is_winkas()) {
        FAILS(TOKENLEASE_UNSUPPORTED, "forget",
              host_call(machine, TOKENLEASE_CALL_REVOKE, other, NULL, &result, &again, &error));
        EXPECT(call(machine, TOKENLEASE_CALL_REFETCH, NULL, &again) == TOKENLEASE_RESULT_TOKEN);
        EXPECT(same(other, again));
        DONE(tokenlease_machine_adopt(machine, again, TOKENLEASE_NONE, &error));
    } else {
        FAILS(TOKENLEASE_UNSUPPORTED, "",
              host_call(machine, TOKENLEASE_CALL_REFETCH, NULL, NULL, &result, &again, &error));
        EXPECT(call(machine, TOKENLEASE_CALL_REVOKE, other, NULL) == TOKENLEASE_RESULT_REVOKED);
        EXPECT(call(machine, TOKENLEASE_CALL_VALIDATE, other, NULL) == TOKENLEASE_RESULT_INACTIVE);
    }
    DONE(tokenlease_machine_explain(machine, text, sizeof text, &length, &error));
    EXPECT(length > 0 && !strstr(text, tokenlease_token_text(token)));
    EXPECT(call(machine, TOKENLEASE_CALL_UNBLOCK, NULL, NULL) == TOKENLEASE_RESULT_DONE);
    EXPECT(call(machine, TOKENLEASE_CALL_FORGET, NULL, NULL) == TOKENLEASE_RESULT_DONE);

    tokenlease_token_free(again);
    tokenlease_token_free(other);
    tokenlease_token_free(token);
    tokenlease_machine_free(machine);
    curl_global_cleanup();
    return 0;
}
