/* The library reads the answers of an API, reports rejected tokens and repeats the call once. */
#define _XOPEN_SOURCE 700
#include "support.h"
#include "http.h"

struct plugin {
    const char *path;
    int calls;
    int fails_with;
    char body[1024];
    struct answer answer;
};

static int32_t call_api(void *user, const tokenlease_token *token, tokenlease_response *response)
{
    struct plugin *plugin = user;
    tokenlease_error *error = NULL;
    char body[1024], header[1024];
    const char *field = tokenlease_token_json_field(token);
    const char *authorization = tokenlease_token_authorization(token);
    const char *name = tokenlease_token_header_name(token);
    const char *value = tokenlease_token_header_value(token);
    const char *chosen = getenv("OPTION_token_header");
    plugin->calls++;
    if (plugin->fails_with) {
        return plugin->fails_with;
    }
    EXPECT((field != NULL) == is_winkas() && (authorization != NULL) == !is_winkas());
    EXPECT((name != NULL) == !is_winkas() && (value != NULL) == !is_winkas());
    if (chosen) {
        EXPECT(strcmp(name, "Reference-Token") == 0 && strcmp(chosen, "reference-token") == 0);
        EXPECT(strcmp(value, tokenlease_token_text(token)) == 0);
    } else if (name) {
        EXPECT(strcmp(name, "Authorization") == 0 && strcmp(value, authorization) == 0);
    }
    if (field) {
        snprintf(body, sizeof body, "{\"Text\":\"hello\",%s}", field);
    } else {
        snprintf(header, sizeof header, "%s: %s", name, value);
    }
    const char *answer = send_request(getenv("OPTION_server"), plugin->path,
                                      field ? NULL : header, field ? body : NULL, &plugin->answer);
    snprintf(plugin->body, sizeof plugin->body, "%s", answer);
    DONE(tokenlease_response_add_header(response, T("Content-Type"), T("application/json"), &error));
    FAILS(TOKENLEASE_BAD_ARGUMENT, "not an HTTP header",
          tokenlease_response_add_header(response, T("a b"), T("x"), &error));
    DONE(tokenlease_response_set(response, plugin->answer.status, answer, strlen(answer), &error));
    return 0;
}

static tokenlease_api_answer read_answer(const tokenlease_client *client, int status, const char *body)
{
    tokenlease_api_answer answer = TOKENLEASE_ANSWER_NOT_REJECTED;
    tokenlease_error *error = NULL;
    DONE(tokenlease_client_read_answer(client, status, body, strlen(body), &answer, &error));
    return answer;
}

static void facts_are_known(const tokenlease_client *client)
{
    static char status[16384];
    tokenlease_token *token = NULL, *other = NULL;
    tokenlease_error *error = NULL;
    size_t length = 0;
    DONE(tokenlease_client_token(client, NULL, &token, &error));
    EXPECT(tokenlease_token_expires_at_ms(token) > 1600000000000);
    EXPECT(tokenlease_token_age_ms(token) >= 0);
    EXPECT(tokenlease_token_expiry(token)
           == (is_winkas() ? TOKENLEASE_EXPIRY_ASSUMED : TOKENLEASE_EXPIRY_STATED));
    EXPECT(tokenlease_token_source(token) == TOKENLEASE_SOURCE_LOGIN);
    EXPECT(tokenlease_token_generation(token) == 2);
    DONE(tokenlease_client_token_from_text(client, T("other"), &other, &error));
    EXPECT(tokenlease_token_expires_at_ms(other) == TOKENLEASE_NONE);
    EXPECT(tokenlease_token_expiry(other) == TOKENLEASE_EXPIRY_NONE);
    DONE(tokenlease_client_status_json(client, status, sizeof status, &length, &error));
    EXPECT(length == strlen(status) && strstr(status, "\"source\":\"login\""));
    EXPECT(strstr(status, is_winkas() ? "\"expiry\":\"assumed\"" : "\"expiry\":\"stated\""));
    EXPECT(!strstr(status, tokenlease_token_text(token)));
    tokenlease_token_free(token);
    tokenlease_token_free(other);
}

int main(void)
{
    tokenlease_client *client = client_of_environment();
    tokenlease_error *error = NULL;
    tokenlease_token_options options = TOKENLEASE_TOKEN_OPTIONS_INIT;
    const char *echo = is_winkas() ? "/api/Report/Echo" : "/api/v2/me";
    const char *forbidden = is_winkas() ? "/api/Report/Forbidden" : "/api/v2/forbidden";
    struct plugin plugin = {.path = echo};

    DONE(tokenlease_client_call(client, NULL, call_api, &plugin, &error));
    EXPECT(plugin.calls == 1 && plugin.answer.status == 200);
    /* A token that ended is replaced, and the call is repeated once. */
    request("end the token");
    options.deadline_ms = 20000;
    DONE(tokenlease_client_call(client, &options, call_api, &plugin, &error));
    EXPECT(plugin.calls == 3 && plugin.answer.status == 200);
    EXPECT(!is_winkas() || strstr(plugin.body, "\"WinkasErrorCode\":0"));
    /* A missing permission is the API's answer, and no reason to repeat the call. */
    plugin.path = forbidden;
    DONE(tokenlease_client_call(client, NULL, call_api, &plugin, &error));
    EXPECT(plugin.calls == 4);
    EXPECT(is_winkas() || plugin.answer.status == 403);
    /* A failure of the program's function ends the call. */
    plugin.fails_with = -7;
    FAILS(TOKENLEASE_CALL_FAILED, "(-7)",
          tokenlease_client_call(client, NULL, call_api, &plugin, &error));
    EXPECT(plugin.calls == 5);

    EXPECT(read_answer(client, 200, "{}") == TOKENLEASE_ANSWER_NOT_REJECTED);
    EXPECT(read_answer(client, 401, "") == TOKENLEASE_ANSWER_REJECTED);
    EXPECT(read_answer(client, 200, "{\"WinkasErrorCode\":7}")
           == (is_winkas() ? TOKENLEASE_ANSWER_ASK : TOKENLEASE_ANSWER_NOT_REJECTED));
    facts_are_known(client);
    DONE(tokenlease_client_close(client, NULL, &error));
    tokenlease_client_free(client);
    return 0;
}
