/* Gets a token of WinKAS Air with libcurl as the HTTP library, and shares it with other processes.
 *
 *   cc libcurl.c $(pkg-config --cflags --libs tokenlease libcurl) && ./a.out SERVER USER CONTRACT
 */
#include <stdio.h>

#include "libcurl_host.h"

int main(int argc, char **argv)
{
    tokenlease_config *config = NULL;
    tokenlease_machine *machine = NULL;
    tokenlease_token *token = NULL, *replacement = NULL;
    tokenlease_error *error = NULL;
    tokenlease_result result;

    if (argc != 4) {
        fprintf(stderr, "usage: %s SERVER USER CONTRACT, with the password in PASSWORD\n", argv[0]);
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const char *store = getenv("STORE") ? getenv("STORE") : "memory:";
    if (tokenlease_config_new(&config, &error)
        || tokenlease_config_set(config, TOKENLEASE_TEXT("provider"), TOKENLEASE_TEXT("winkas"),
                                 &error)
        || tokenlease_config_set(config, TOKENLEASE_TEXT("server"), TOKENLEASE_TEXT(argv[1]), &error)
        || tokenlease_config_set(config, TOKENLEASE_TEXT("user"), TOKENLEASE_TEXT(argv[2]), &error)
        || tokenlease_config_set(config, TOKENLEASE_TEXT("contract"), TOKENLEASE_TEXT(argv[3]),
                                 &error)
        || tokenlease_config_set(config, TOKENLEASE_TEXT("store"), TOKENLEASE_TEXT(store), &error)
        || tokenlease_config_set_password(config, TOKENLEASE_TEXT(getenv("PASSWORD")), &error)
        || tokenlease_machine_new(config, NULL, NULL, &machine, &error)
        || host_call(machine, TOKENLEASE_CALL_TOKEN, NULL, NULL, &result, &token, &error)) {
        goto done;
    }
    /* Call the API with tokenlease_token_text(token) here. If the API rejects the token: */
    if (host_call(machine, TOKENLEASE_CALL_REPORT_REJECTED, token, NULL, &result, &replacement,
                  &error)) {
        goto done;
    }
    if (result == TOKENLEASE_RESULT_TOKEN) {
        puts("the token was inactive: repeat the call once with the replacement");
    } else {
        puts("the token is active: the API rejected the call for another reason");
    }

done:
    if (error) {
        fprintf(stderr, "%s\n", tokenlease_error_message(error));
    }
    int failed = error != NULL;
    tokenlease_error_free(error);
    tokenlease_token_free(replacement);
    tokenlease_token_free(token);
    tokenlease_machine_free(machine);
    tokenlease_config_free(config);
    curl_global_cleanup();
    return failed;
}
