/* Each invalid argument is an error that names the argument. Nothing is sent. */
#include "support.h"

static int32_t no_credentials(void *user, tokenlease_credentials *credentials)
{
    (void)user;
    (void)credentials;
    return 1;
}

static int32_t no_call(void *user, const tokenlease_token *token, tokenlease_response *response)
{
    tokenlease_error *error = NULL;
    (void)user;
    (void)token;
    FAILS(TOKENLEASE_BAD_ARGUMENT, "the argument http_status is 99",
          tokenlease_response_set(response, 99, NULL, 0, &error));
    return 1;
}

static void no_log(void *user, int32_t level, const char *event, const char *text)
{
    (void)user;
    (void)level;
    (void)event;
    (void)text;
}

/* The functions of configs from other sources, of stores and of the table of options. */
static void check_sources_and_stores(tokenlease_config *config)
{
    tokenlease_error *error = NULL;
    const tokenlease_status bad = TOKENLEASE_BAD_ARGUMENT;
    tokenlease_store_functions functions = TOKENLEASE_STORE_FUNCTIONS_INIT;
    FAILS(bad, "the argument config is NULL",
          tokenlease_config_load_profile(NULL, NULL, 0, T("x"), &error));
    FAILS(bad, "the argument profile is NULL",
          tokenlease_config_load_profile(config, NULL, 0, NULL, 0, &error));
    FAILS(bad, "the argument file is not valid UTF-8",
          tokenlease_config_load_profile(config, T("\xff"), T("x"), &error));
    FAILS(bad, "the argument config is NULL", tokenlease_config_load_environment(NULL, &error));
    FAILS(bad, "the argument config is NULL", tokenlease_config_set_json(NULL, T("{}"), &error));
    FAILS(bad, "the argument json is NULL", tokenlease_config_set_json(config, NULL, 0, &error));
    FAILS(bad, "the argument config is NULL",
          tokenlease_config_set_secret(NULL, T("password"), T("x"), &error));
    FAILS(bad, "the argument name is NULL",
          tokenlease_config_set_secret(config, NULL, 0, T("x"), &error));
    FAILS(bad, "the argument secret is NULL",
          tokenlease_config_set_secret(config, T("password"), NULL, 0, &error));
    FAILS(bad, "the argument functions is NULL",
          tokenlease_config_set_store(config, NULL, NULL, &error));
    FAILS(bad, "the argument functions->load is NULL",
          tokenlease_config_set_store(config, &functions, NULL, &error));
    FAILS(bad, "the argument functions is NULL",
          tokenlease_store_check(NULL, NULL, 1, NULL, &error));
    FAILS(bad, "the argument functions->load is NULL",
          tokenlease_store_check(&functions, NULL, 1, NULL, &error));
    FAILS(bad, "the argument reply is NULL",
          tokenlease_store_reply_set_record(NULL, 1, NULL, 0, &error));
    FAILS(bad, "the argument reply is NULL", tokenlease_store_reply_set_revision(NULL, 1, &error));
    FAILS(bad, "the argument reply is NULL", tokenlease_store_reply_set_time(NULL, 1, &error));
    FAILS(bad, "the argument message is NULL",
          tokenlease_store_reply_set_message(NULL, NULL, 0, &error));
    EXPECT(!tokenlease_option_name(tokenlease_option_count()));
    EXPECT(!tokenlease_option_type(SIZE_MAX) && !tokenlease_option_default(SIZE_MAX));
    EXPECT(!tokenlease_option_providers(SIZE_MAX) && !tokenlease_option_meaning(SIZE_MAX));
    EXPECT(tokenlease_options_json()[0] == '[');
}

int main(void)
{
    tokenlease_config *config = NULL;
    tokenlease_registry *registry = NULL;
    tokenlease_client *client = NULL;
    tokenlease_token *token = NULL;
    tokenlease_error *error = NULL;
    const tokenlease_status bad = TOKENLEASE_BAD_ARGUMENT;
    uint64_t count = 77;
    size_t length = 77;
    bool output = true;
    char text[8];
    tokenlease_token_options options = TOKENLEASE_TOKEN_OPTIONS_INIT;

    EXPECT(strcmp(tokenlease_version(), TOKENLEASE_VERSION) == 0);
    EXPECT(tokenlease_version_number() == TOKENLEASE_VERSION_NUMBER);
    EXPECT(TOKENLEASE_NUL_TERMINATED == SIZE_MAX && TOKENLEASE_NONE == -1);
    EXPECT(strcmp(tokenlease_status_name(TOKENLEASE_OK), "ok") == 0);
    EXPECT(strcmp(tokenlease_status_name(4711), "unknown") == 0);

    /* NULL can be freed, and its properties are defined. */
    tokenlease_error_free(NULL);
    tokenlease_config_free(NULL);
    tokenlease_registry_free(NULL);
    tokenlease_client_free(NULL);
    tokenlease_token_free(NULL);
    EXPECT(tokenlease_error_status(NULL) == TOKENLEASE_OK);
    EXPECT(!tokenlease_error_message(NULL) && !tokenlease_error_detail(NULL));
    EXPECT(!tokenlease_error_code(NULL) && !tokenlease_error_is_retryable(NULL));
    EXPECT(tokenlease_error_http_status(NULL) == 0);
    EXPECT(tokenlease_error_retry_after_ms(NULL) == TOKENLEASE_NONE);
    EXPECT(tokenlease_error_until_ms(NULL) == TOKENLEASE_NONE);
    EXPECT(!tokenlease_token_text(NULL) && tokenlease_token_length(NULL) == 0);
    EXPECT(tokenlease_token_kind(NULL) == TOKENLEASE_KIND_NONE);
    EXPECT(!tokenlease_token_authorization(NULL) && !tokenlease_token_json_field(NULL));
    EXPECT(!tokenlease_token_header_name(NULL) && !tokenlease_token_header_value(NULL));
    EXPECT(tokenlease_token_expires_at_ms(NULL) == TOKENLEASE_NONE);
    EXPECT(tokenlease_token_age_ms(NULL) == TOKENLEASE_NONE);
    EXPECT(tokenlease_token_expiry(NULL) == TOKENLEASE_EXPIRY_NONE);
    EXPECT(tokenlease_token_source(NULL) == TOKENLEASE_SOURCE_NONE);
    EXPECT(tokenlease_token_generation(NULL) == 0);

    /* Configs. */
    FAILS(bad, "the argument config is NULL", tokenlease_config_new(NULL, &error));
    EXPECT(tokenlease_config_new(NULL, NULL) == bad);
    FAILS(bad, "the argument config is NULL",
          tokenlease_config_set(NULL, T("user"), T("x"), &error));
    FAILS(bad, "the argument config is NULL", tokenlease_config_set_password(NULL, T("x"), &error));
    FAILS(bad, "the argument config is NULL",
          tokenlease_config_set_client_secret(NULL, T("x"), &error));
    FAILS(bad, "the argument config is NULL",
          tokenlease_config_set_credentials_function(NULL, no_credentials, NULL, NULL, &error));
    FAILS(bad, "the argument config is NULL",
          tokenlease_config_set_log_function(NULL, no_log, NULL, NULL, &error));
    DONE(tokenlease_config_new(&config, &error));
    DONE(tokenlease_config_set_log_function(config, NULL, NULL, NULL, &error));
    check_sources_and_stores(config);
    FAILS(bad, "the argument name is NULL", tokenlease_config_set(config, T(NULL), T("x"), &error));
    FAILS(bad, "the argument value is NULL",
          tokenlease_config_set(config, T("user"), T(NULL), &error));
    FAILS(bad, "the argument name is not valid UTF-8 from byte 1 on",
          tokenlease_config_set(config, T("u\xff"), T("x"), &error));
    FAILS(bad, "the argument value is not valid UTF-8 from byte 0 on",
          tokenlease_config_set(config, T("user"), T("\xc3"), &error));
    FAILS(bad, "the argument password is NULL",
          tokenlease_config_set_password(config, T(NULL), &error));
    FAILS(bad, "the argument password is NULL",
          tokenlease_config_set_password(config, NULL, 0, &error));
    FAILS(bad, "the argument password has a NUL at byte 6",
          tokenlease_config_set_password(config, "canary", sizeof "canary", &error));
    FAILS(bad, "the argument password_length is ",
          tokenlease_config_set_password(config, "canary", SIZE_MAX / 2 + 1, &error));
    FAILS(bad, "the argument value_length is ",
          tokenlease_config_set(config, T("user"), "x", SIZE_MAX - 1, &error));
    FAILS(bad, "the argument password is not valid UTF-8",
          tokenlease_config_set_password(config, T("canary\xff"), &error));
    FAILS(bad, "the argument client_secret is NULL",
          tokenlease_config_set_client_secret(config, T(NULL), &error));
    FAILS(bad, "the argument config is NULL",
          tokenlease_config_add_extra_secret(NULL, T("a"), T("x"), &error));
    FAILS(bad, "the argument value is NULL",
          tokenlease_config_add_extra_secret(config, T("a"), T(NULL), &error));
    FAILS(bad, "the argument credentials is NULL",
          tokenlease_credentials_add_extra_secret(NULL, T("a"), T("x"), &error));
    FAILS(TOKENLEASE_CONFIG, "expected NAME=VALUE",
          tokenlease_config_set(config, T("extra"), T("canary"), &error));
    FAILS(bad, "the argument function is NULL",
          tokenlease_config_set_credentials_function(config, NULL, NULL, NULL, &error));
    FAILS(bad, "the argument password is NULL",
          tokenlease_credentials_set_password(NULL, T(NULL), &error));
    FAILS(bad, "the argument credentials is NULL",
          tokenlease_credentials_set_password(NULL, T("x"), &error));
    FAILS(bad, "the argument credentials is NULL",
          tokenlease_credentials_set_client_secret(NULL, T("x"), &error));
    FAILS(TOKENLEASE_CONFIG, "there is no option \"usr\"; did you mean \"user\"?",
          tokenlease_config_set(config, T("usr"), T("x"), &error));
    FAILS(TOKENLEASE_CONFIG, "winkas, wyn, oauth2",
          tokenlease_config_set(config, T("provider"), T("sap"), &error));
    FAILS(TOKENLEASE_CONFIG, "90s", tokenlease_config_set(config, T("deadline"), T("90"), &error));
    FAILS(TOKENLEASE_CONFIG, "from 1 to 10000",
          tokenlease_config_set(config, T("max_concurrent_logins"), T("0"), &error));

    /* Registries and clients. */
    FAILS(bad, "the argument config is NULL", tokenlease_registry_new(NULL, &registry, &error));
    FAILS(bad, "the argument registry is NULL", tokenlease_registry_new(config, NULL, &error));
    tokenlease_report *report = NULL;
    FAILS(bad, "the argument report is NULL", tokenlease_registry_entries(NULL, NULL, NULL, &error));
    FAILS(bad, "the argument report is NULL", tokenlease_registry_end(NULL, NULL, 0, NULL, &error));
    FAILS(bad, "the argument by is 2", tokenlease_registry_end(NULL, NULL, 2, &report, &error));
    EXPECT(!report && !tokenlease_report_json(NULL));
    tokenlease_report_free(NULL);
    DONE(tokenlease_registry_entries(NULL, NULL, &report, &error));
    EXPECT(!strcmp(tokenlease_report_json(report), "[]"));
    tokenlease_report_free(report);
    FAILS(bad, "the argument report is NULL", tokenlease_registry_counts(NULL, NULL, &error));
    DONE(tokenlease_registry_counts(NULL, &report, &error));
    EXPECT(!strcmp(tokenlease_report_json(report), "[]"));
    tokenlease_report_free(report);
    FAILS(bad, "the argument config is NULL", tokenlease_client_new(NULL, NULL, &client, &error));
    FAILS(bad, "the argument client is NULL", tokenlease_client_new(config, NULL, NULL, &error));
    FAILS(TOKENLEASE_CONFIG, "the provider is missing",
          tokenlease_client_new(config, NULL, &client, &error));
    DONE(tokenlease_config_set(config, T("provider"), T("winkas"), &error));
    DONE(tokenlease_config_set(config, T("user"), T("x"), &error));
    DONE(tokenlease_config_set(config, T("contract"), T("x"), &error));
    FAILS(TOKENLEASE_CONFIG, "password", tokenlease_client_new(config, NULL, &client, &error));
    DONE(tokenlease_config_set_password(config, T("canary"), &error));
    DONE(tokenlease_config_set(config, T("tenant"), T("/x"), &error));
    FAILS(TOKENLEASE_CONFIG, "tenant", tokenlease_client_new(config, NULL, &client, &error));
    EXPECT(!client && !registry);
    tokenlease_config_free(config);

    /* Options that cannot work. */
    DONE(tokenlease_config_new(&config, &error));
    DONE(tokenlease_config_set(config, T("timeout"), T("1ms"), &error));
    FAILS(TOKENLEASE_CONFIG, "timeout is 1ms", tokenlease_registry_new(config, &registry, &error));
    tokenlease_config_free(config);
    DONE(tokenlease_config_new(&config, &error));
    DONE(tokenlease_config_set(config, T("provider"), T("winkas"), &error));
    DONE(tokenlease_config_set(config, T("user"), T("x"), &error));
    DONE(tokenlease_config_set(config, T("contract"), T("x"), &error));
    DONE(tokenlease_config_set_password(config, T("canary"), &error));
    DONE(tokenlease_config_set(config, T("store_check_interval"), T("20ms"), &error));
    FAILS(TOKENLEASE_CONFIG, "store_check_interval is 20ms",
          tokenlease_client_new(config, NULL, &client, &error));
    EXPECT(!client && !registry);
    tokenlease_config_free(config);
    client = client_of_environment();

    /* Calls of a client. */
    FAILS(bad, "the argument client is NULL", tokenlease_client_token(NULL, NULL, &token, &error));
    FAILS(bad, "the argument token is NULL", tokenlease_client_token(client, NULL, NULL, &error));
    options.deadline_ms = -2;
    FAILS(bad, "the argument options->deadline_ms is -2",
          tokenlease_client_token(client, &options, &token, &error));
    FAILS(bad, "the argument options->deadline_ms is -2",
          tokenlease_client_copy_token(client, &options, text, sizeof text, &length, &error));
    options.deadline_ms = TOKENLEASE_NONE;
    options.min_remaining_ms = INT64_MIN;
    FAILS(bad, "the argument options->min_remaining_ms is -9223372036854775808",
          tokenlease_client_token(client, &options, &token, &error));
    options.size = 0;
    FAILS(bad, "the field size of the argument options is 0",
          tokenlease_client_token(client, &options, &token, &error));
    options.size = sizeof options + 8;
    FAILS(bad, "at least as new as the header",
          tokenlease_client_copy_token(client, &options, text, sizeof text, &length, &error));
    FAILS(bad, "the argument client is NULL",
          tokenlease_client_copy_token(NULL, NULL, text, sizeof text, &length, &error));
    FAILS(bad, "the argument length is NULL",
          tokenlease_client_copy_token(client, NULL, text, sizeof text, NULL, &error));
    FAILS(bad, "the argument client is NULL",
          tokenlease_client_token_from_text(NULL, T("x"), &token, &error));
    FAILS(bad, "the argument token is NULL",
          tokenlease_client_token_from_text(client, T("x"), NULL, &error));
    FAILS(bad, "the argument token_text is NULL",
          tokenlease_client_token_from_text(client, T(NULL), &token, &error));
    FAILS(bad, "the argument token_text is not valid UTF-8",
          tokenlease_client_token_from_text(client, T("\x80"), &token, &error));
    FAILS(TOKENLEASE_CONFIG, "not a token",
          tokenlease_client_token_from_text(client, T(""), &token, &error));
    EXPECT(!token);
    DONE(tokenlease_client_token_from_text(client, T("x"), &token, &error));
    FAILS(bad, "the argument client is NULL",
          tokenlease_client_report_rejected(NULL, token, NULL, &token, &error));
    FAILS(bad, "the argument token is NULL",
          tokenlease_client_report_rejected(client, NULL, NULL, &token, &error));
    FAILS(bad, "the argument replacement is NULL",
          tokenlease_client_report_rejected(client, token, NULL, NULL, &error));
    FAILS(bad, "the argument client is NULL",
          tokenlease_client_validate(NULL, token, NULL, &output, &error));
    FAILS(bad, "the argument token is NULL",
          tokenlease_client_validate(client, NULL, NULL, &output, &error));
    FAILS(bad, "the argument active is NULL",
          tokenlease_client_validate(client, token, NULL, NULL, &error));
    FAILS(bad, "the argument client is NULL", tokenlease_client_refetch(NULL, NULL, &token, &error));
    FAILS(bad, "the argument token is NULL", tokenlease_client_refetch(client, NULL, NULL, &error));
    FAILS(bad, "the argument client is NULL",
          tokenlease_client_revoke(NULL, token, NULL, &output, &error));
    FAILS(bad, "the argument token is NULL",
          tokenlease_client_revoke(client, NULL, NULL, &output, &error));
    FAILS(bad, "the argument proven is NULL",
          tokenlease_client_revoke(client, token, NULL, NULL, &error));
    FAILS(bad, "the argument client is NULL", tokenlease_client_forget(NULL, &error));
    FAILS(bad, "the argument client is NULL", tokenlease_client_unblock(NULL, &error));
    FAILS(bad, "the argument client is NULL", tokenlease_client_close(NULL, NULL, &error));
    FAILS(bad, "the argument client is NULL", tokenlease_client_adopt(NULL, token, 0, &error));
    FAILS(bad, "the argument token is NULL", tokenlease_client_adopt(client, NULL, 0, &error));
    FAILS(bad, "the argument lifetime_ms is -3",
          tokenlease_client_adopt(client, token, -3, &error));
    FAILS(bad, "the argument client is NULL",
          tokenlease_client_set_credentials(NULL, NULL, &error));
    FAILS(bad, "the argument config is NULL",
          tokenlease_client_set_credentials(client, NULL, &error));
    FAILS(bad, "the argument client is NULL",
          tokenlease_client_explain(NULL, text, sizeof text, &length, &error));
    FAILS(bad, "the argument length is NULL",
          tokenlease_client_explain(client, text, sizeof text, NULL, &error));
    FAILS(TOKENLEASE_BUFFER_TOO_SMALL, "expected",
          tokenlease_client_explain(client, text, 1, &length, &error));
    EXPECT(length > 1);
    FAILS(bad, "the argument buffer is NULL",
          tokenlease_client_explain(client, NULL, 4096, &length, &error));
    FAILS(bad, "the argument client is NULL",
          tokenlease_client_status_json(NULL, text, sizeof text, &length, &error));
    FAILS(bad, "the argument length is NULL",
          tokenlease_client_status_json(client, text, sizeof text, NULL, &error));
    FAILS(TOKENLEASE_BUFFER_TOO_SMALL, "expected",
          tokenlease_client_status_json(client, text, 1, &length, &error));
    FAILS(bad, "the argument buffer is NULL",
          tokenlease_client_status_json(client, NULL, 4096, &length, &error));
    FAILS(bad, "the argument client is NULL",
          tokenlease_client_call(NULL, NULL, no_call, NULL, &error));
    FAILS(bad, "the argument function is NULL",
          tokenlease_client_call(client, NULL, NULL, NULL, &error));
    FAILS(bad, "the argument response is NULL",
          tokenlease_response_set(NULL, 200, NULL, 0, &error));
    FAILS(bad, "the argument response is NULL",
          tokenlease_response_add_header(NULL, T("a"), T("b"), &error));
    tokenlease_api_answer answer = TOKENLEASE_ANSWER_ASK;
    FAILS(bad, "the argument client is NULL",
          tokenlease_client_read_answer(NULL, 401, NULL, 0, &answer, &error));
    FAILS(bad, "the argument answer is NULL",
          tokenlease_client_read_answer(client, 401, NULL, 0, NULL, &error));
    FAILS(bad, "the argument body is NULL",
          tokenlease_client_read_answer(client, 401, NULL, 1, &answer, &error));
    FAILS(bad, "the argument body_length is ",
          tokenlease_client_read_answer(client, 401, "", SIZE_MAX, &answer, &error));
    FAILS(bad, "the argument http_status is -1",
          tokenlease_client_read_answer(client, -1, NULL, 0, &answer, &error));
    FAILS(bad, "the argument http_status is 65936",
          tokenlease_client_read_answer(client, 65936, NULL, 0, &answer, &error));
    EXPECT(answer == TOKENLEASE_ANSWER_ASK);
    FAILS(bad, "the argument client is NULL",
          tokenlease_client_history(NULL, text, sizeof text, &length, &error));
    FAILS(bad, "the argument length is NULL",
          tokenlease_client_history(client, text, sizeof text, NULL, &error));
    FAILS(TOKENLEASE_BUFFER_TOO_SMALL, "expected",
          tokenlease_client_history(client, text, 1, &length, &error));
    EXPECT(length > 1);
    FAILS(bad, "the argument buffer is NULL",
          tokenlease_client_history(client, NULL, 4096, &length, &error));
    FAILS(bad, "the argument client is NULL", tokenlease_client_count(NULL, 0, &count, &error));
    FAILS(bad, "the argument count is NULL", tokenlease_client_count(client, 0, NULL, &error));
    FAILS(bad, "the argument counter is 7",
          tokenlease_client_count(client, 7, &count, &error));
    FAILS(bad, "the argument counter is -1",
          tokenlease_client_count(client, -1, &count, &error));

    /* Failed calls leave their outputs unchanged. */
    EXPECT(count == 77 && output);
    tokenlease_token_free(token);
    tokenlease_client_free(client);
    return 0;
}
