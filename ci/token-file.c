/* Gets a token of WinKAS from the store, and asks the server about it. It prints `replaced` or `active`.
 *
 *   token-file SERVER USER CONTRACT PASSWORD-FILE STORE
 */
#include <stdio.h>
#include <tokenlease.h>

#define T(text) TOKENLEASE_TEXT(text)

int main(int argc, char **argv)
{
    char password[200];
    FILE *file = argc == 6 ? fopen(argv[4], "rb") : NULL;
    if (!file) {
        return 2;
    }
    password[fread(password, 1, sizeof password - 1, file)] = 0;
    fclose(file);

    tokenlease_config *config = NULL;
    tokenlease_client *client = NULL;
    tokenlease_token *token = NULL, *other = NULL;
    tokenlease_error *error = NULL;
    if (tokenlease_config_new(&config, &error)
        || tokenlease_config_set(config, T("provider"), T("winkas"), &error)
        || tokenlease_config_set(config, T("server"), T(argv[1]), &error)
        || tokenlease_config_set(config, T("user"), T(argv[2]), &error)
        || tokenlease_config_set(config, T("contract"), T(argv[3]), &error)
        || tokenlease_config_set(config, T("store"), T(argv[5]), &error)
        || tokenlease_config_set_password(config, T(password), &error)
        || tokenlease_client_new(config, NULL, &client, &error)
        || tokenlease_client_token(client, NULL, &token, &error)
        || tokenlease_client_report_rejected(client, token, NULL, &other, &error)) {
        fprintf(stderr, "%s\n", tokenlease_error_message(error));
        return 1;
    }
    puts(other ? "replaced" : "active");
    return 0;
}
