/* A plugin in C, with libcurl. It calls each URL of its input with the token, or revokes the token.
 * Every handle is freed on every path: freeing NULL is a no-op. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tokenlease.h>

#define T(text) TOKENLEASE_TEXT(text)

struct api_call {
    const char *url;
    int attempts;
    long status;
    size_t length;
    char body[16384];
};

static size_t receive(char *bytes, size_t size, size_t count, void *user)
{
    struct api_call *call = user;
    if (size * count > sizeof call->body - call->length) {
        return 0;
    }
    memcpy(call->body + call->length, bytes, size * count);
    call->length += size * count;
    return size * count;
}

/* The library calls this on the calling thread, and once more if the token was rejected. */
static int32_t TOKENLEASE_CALL call_api(void *user, const tokenlease_token *token,
                                        tokenlease_response *response)
{
    struct api_call *call = user;
    const char *field = tokenlease_token_json_field(token);
    const char *secret = field ? field : tokenlease_token_authorization(token);
    const char *format = field ? "{\"Text\":\"hello\",%s}" : "Authorization: %s";
    char *text = malloc(strlen(format) + strlen(secret));
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURL *curl = curl_easy_init();
    sprintf(text, format, secret);
    if (field) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
    } else {
        headers = curl_slist_append(headers, text);
    }
    call->attempts++;
    call->length = 0;
    curl_easy_setopt(curl, CURLOPT_URL, call->url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
    int32_t failed = (int32_t)curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &call->status);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    free(text);
    return failed ? failed : (int32_t)tokenlease_response_set(response, (int32_t)call->status, call->body,
                                                              call->length, NULL);
}

int main(void)
{
    tokenlease_config *config = NULL;
    tokenlease_client *client = NULL;
    tokenlease_error *error = NULL;
    char line[1024];
    bool proven, ready = !tokenlease_config_new(&config, &error)
        && !tokenlease_config_load_environment(config, &error)
        && !tokenlease_config_set_password(config, T(getenv("PASSWORD")), &error)
        && !tokenlease_client_new(config, NULL, &client, &error);
    tokenlease_config_free(config);
    while (ready && fgets(line, sizeof line, stdin)) {
        struct api_call call = {.url = strtok(line, "\n")};
        tokenlease_token *token = NULL;
        if (strcmp(line, "revoke") == 0) {
            if (!tokenlease_client_token(client, NULL, &token, &error)
                && !tokenlease_client_revoke(client, token, NULL, &proven, &error)) {
                printf("revoked a token that expires at %lld\n",
                       (long long)tokenlease_token_expires_at_ms(token));
            }
        } else if (!tokenlease_client_call(client, NULL, call_api, &call, &error)) {
            printf("HTTP %ld, attempts: %d, %.*s\n", call.status, call.attempts, (int)call.length, call.body);
        }
        if (error) {
            printf("error: %s\n", tokenlease_error_message(error));
        }
        fflush(stdout);
        tokenlease_token_free(token);
        tokenlease_error_free(error);
        error = NULL;
    }
    if (!ready) {
        fprintf(stderr, "%s\n", tokenlease_error_message(error));
    }
    tokenlease_error_free(error);
    tokenlease_client_free(client);
    return ready ? 0 : 1;
}
