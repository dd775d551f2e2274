/* Gets a token of WinKAS Air, as an ERP plugin does.
 *
 *   cc token.c $(pkg-config --cflags --libs tokenlease) && ./a.out SERVER USER CONTRACT
 */
#include <stdio.h>
#include <stdlib.h>
#include <tokenlease.h>

#define T(text) TOKENLEASE_TEXT(text)

int main(int argc, char **argv)
{
    tokenlease_config *config = NULL;
    tokenlease_client *client = NULL;
    tokenlease_token *token = NULL, *replacement = NULL;
    tokenlease_error *error = NULL;

    if (argc != 4) {
        fprintf(stderr, "usage: %s SERVER USER CONTRACT, with the password in PASSWORD\n", argv[0]);
        return 2;
    }
    if (tokenlease_config_new(&config, &error)
        || tokenlease_config_set(config, T("provider"), T("winkas"), &error)
        || tokenlease_config_set(config, T("server"), T(argv[1]), &error)
        || tokenlease_config_set(config, T("user"), T(argv[2]), &error)
        || tokenlease_config_set(config, T("contract"), T(argv[3]), &error)
        || tokenlease_config_set_password(config, T(getenv("PASSWORD")), &error)
        || tokenlease_client_new(config, NULL, &client, &error)
        || tokenlease_client_token(client, NULL, &token, &error)) {
        goto done;
    }
    /* Call the API with tokenlease_token_text(token) here. If the API rejects the token: */
    if (tokenlease_client_report_rejected(client, token, NULL, &replacement, &error)) {
        goto done;
    }
    if (replacement) {
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
    tokenlease_client_free(client);
    tokenlease_config_free(config);
    return failed;
}
