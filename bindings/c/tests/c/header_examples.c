/* The examples of tokenlease.h. The test of the header copies them into it. */
#include "support.h"

#include <time.h>

static int64_t now_ms(void)
{
    return (int64_t)time(NULL) * 1000;
}

/* example: log */
void TOKENLEASE_CALL write_log(void *user, int32_t level, const char *event, const char *text)
{
    fprintf(user, "%s %s: %s\n", level == TOKENLEASE_LOG_WARNING ? "warning" : "debug", event, text);
}
// tokenlease_config_set_log_function(config, write_log, stderr, NULL, &error) passes it.
/* end */

/* example: credentials */
int32_t TOKENLEASE_CALL fetch(void *user, tokenlease_credentials *credentials)
{
    const char *password = getenv(user);
    return (int32_t)tokenlease_credentials_set_password(
        credentials, TOKENLEASE_TEXT(password), NULL);
}
/* end */

/* example: call */
int32_t TOKENLEASE_CALL call_api(void *user, const tokenlease_token *token,
                                 tokenlease_response *response)
{
    const char *body = "{}";
    // Send the request of *user here, with tokenlease_token_authorization(token) as a header or
    // tokenlease_token_json_field(token) as a member of the JSON body. Then pass the answer on:
    (void)user, (void)token;
    return (int32_t)tokenlease_response_set(response, 200, body, strlen(body), NULL);
}
// tokenlease_client_call(client, NULL, call_api, &request, &error) repeats it once after a rejection.
/* end */

static int use(const tokenlease_registry *registry, int secret)
{
    tokenlease_error *error = NULL;
    /* example: config */
    tokenlease_config *config = NULL;
    if (tokenlease_config_new(&config, &error)
        || tokenlease_config_set(config, TOKENLEASE_TEXT("provider"), TOKENLEASE_TEXT("winkas"), &error)
        || tokenlease_config_set(config, TOKENLEASE_TEXT("user"), TOKENLEASE_TEXT("NAME"), &error)
        || tokenlease_config_set(config, TOKENLEASE_TEXT("contract"), TOKENLEASE_TEXT("CODE"), &error)
        || tokenlease_config_set_credentials_function(config, fetch, "PASSWORD", NULL, &error)) {
        fprintf(stderr, "%s\n", tokenlease_error_message(error));
    }
    /* end */
    EXPECT(!error);
    tokenlease_config_free(config);
    config = config_of_environment();
    if (secret) {
        DONE(tokenlease_config_set_client_secret(config, T(getenv("CLIENT_SECRET")), &error));
    }

    DONE(tokenlease_config_set_log_function(config, write_log, stderr, NULL, &error));
    /* example: client */
    tokenlease_client *client = NULL;
    if (tokenlease_client_new(config, registry, &client, &error)) {
        fprintf(stderr, "%s\n", tokenlease_error_message(error));
    }
    tokenlease_config_free(config);
    /* end */
    EXPECT(client && !error);

    /* example: token_calls */
    tokenlease_token *token = NULL, *replacement = NULL;
    tokenlease_token_options options = TOKENLEASE_TOKEN_OPTIONS_INIT;
    options.deadline_ms = 10000;
    if (tokenlease_client_token(client, &options, &token, &error) == TOKENLEASE_OK
        // Call the API with the token here. If the API rejects the token:
        && tokenlease_client_report_rejected(client, token, NULL, &replacement, &error)
               == TOKENLEASE_OK
        && replacement) {
        puts("repeat the call once with the replacement");
    }
    /* end */
    EXPECT(token && !replacement && !error);

    /* example: token */
    if (tokenlease_token_kind(token) == TOKENLEASE_KIND_BEARER) {
        char header[4096];
        snprintf(header, sizeof header, "Authorization: Bearer %s", tokenlease_token_text(token));
    }
    tokenlease_token_free(token);
    /* end */

    DONE(tokenlease_client_call(client, NULL, call_api, NULL, &error));
    DONE(tokenlease_client_token(client, NULL, &token, &error));
    /* example: facts */
    if (tokenlease_token_expiry(token) == TOKENLEASE_EXPIRY_STATED) {
        printf("expires in %.0f s\n", (tokenlease_token_expires_at_ms(token) - now_ms()) / 1000.0);
    }
    /* end */
    tokenlease_token_free(token);

    /* example: inspection */
    char text[512];
    size_t length = 0;
    uint64_t logins = 0;
    if (tokenlease_client_explain(client, text, sizeof text, &length, &error) == TOKENLEASE_OK
        && tokenlease_client_count(client, TOKENLEASE_COUNT_LOGINS, &logins, &error)
               == TOKENLEASE_OK) {
        printf("%s\n%d logins\n", text, (int)logins);
    }
    /* end */
    EXPECT(length > 0 && logins == 1 && !error);
    tokenlease_client_free(client);
    return 0;
}

int main(void)
{
    tokenlease_error *error = NULL;
    /* example: version */
    if (tokenlease_version_number() < TOKENLEASE_VERSION_NUMBER) {
        fprintf(stderr, "tokenlease %s is older than its header\n", tokenlease_version());
    }
    /* end */

    /* example: registry */
    tokenlease_config *shared = NULL;
    tokenlease_registry *registry = NULL;
    if (tokenlease_config_new(&shared, &error)
        || tokenlease_config_set(shared, TOKENLEASE_TEXT("store"), TOKENLEASE_TEXT("memory:"), &error)
        || tokenlease_registry_new(shared, &registry, &error)) {
        fprintf(stderr, "%s\n", tokenlease_error_message(error));
    }
    tokenlease_config_free(shared);
    /* end */
    EXPECT(registry && !error);
    use(registry, getenv("CLIENT_SECRET") != NULL);

    /* example: registry_entries */
    tokenlease_config *who = NULL;
    tokenlease_report *report = NULL;
    if (tokenlease_config_new(&who, &error)
        || tokenlease_config_set(who, TOKENLEASE_TEXT("subject"), TOKENLEASE_TEXT("anna"), &error)
        || tokenlease_registry_end(registry, who, TOKENLEASE_END_BY_REVOCATION, &report, &error)) {
        fprintf(stderr, "%s\n", tokenlease_error_message(error));
    } else {
        printf("%s\n", tokenlease_report_json(report));
    }
    tokenlease_report_free(report);
    tokenlease_config_free(who);
    /* end */
    EXPECT(!error);
    tokenlease_registry_free(registry);

    tokenlease_config *config = NULL;
    DONE(tokenlease_config_new(&config, &error));
    /* example: status */
    const char *password = getenv("PASSWORD");
    tokenlease_status status =
        tokenlease_config_set_password(config, TOKENLEASE_TEXT(password), NULL);
    if (status != TOKENLEASE_OK) {
        fprintf(stderr, "the call failed: %s\n", tokenlease_status_name(status));
    }
    /* end */
    EXPECT(status == TOKENLEASE_OK);

    /* example: error */
    if (tokenlease_config_set(config, TOKENLEASE_TEXT("usr"), TOKENLEASE_TEXT("NAME"), &error)) {
        fprintf(stderr, "%s\n", tokenlease_error_message(error));
        if (tokenlease_error_is_retryable(error)) {
            fprintf(stderr, "retry after %.0f s\n", tokenlease_error_until_ms(error) / 1000.0);
        }
        tokenlease_error_free(error);
    }
    /* end */
    tokenlease_config_free(config);
    return 0;
}
