/* One of several processes that share a store: each gets the token with a machine and libcurl. */
#include "machine_support.h"

int main(void)
{
    tokenlease_machine *machine = machine_of_environment();
    tokenlease_token *token = token_of(machine), *again = token_of(machine);
    EXPECT(same(token, again));
    tokenlease_token_free(again);
    tokenlease_token_free(token);
    tokenlease_machine_free(machine);
    curl_global_cleanup();
    return 0;
}
