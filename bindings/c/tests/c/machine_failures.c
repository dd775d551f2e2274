/* A machine whose login fails: rejected credentials are sent once, and a server that cannot be reached
 * is an error before the deadline. */
#include "machine_support.h"

int main(void)
{
    tokenlease_machine *machine = machine_of_environment();
    tokenlease_token_options options = TOKENLEASE_TOKEN_OPTIONS_INIT;
    tokenlease_token *token = NULL;
    tokenlease_result result;
    options.deadline_ms = 300;
    for (int i = 0; i < 3; i++) {
        tokenlease_error *error = NULL;
        tokenlease_status status =
            host_call(machine, TOKENLEASE_CALL_TOKEN, NULL, &options, &result, &token, &error);
        EXPECT(status != TOKENLEASE_OK && !token);
        EXPECT(tokenlease_error_status(error) == status);
        printf("%s\n%s\n", tokenlease_error_message(error), tokenlease_error_detail(error));
        tokenlease_error_free(error);
    }
    tokenlease_machine_free(machine);
    curl_global_cleanup();
    return 0;
}
