/* A config is read from a profile, the environment and JSON text, and the options are listed. */
#include "support.h"

static tokenlease_config *new_config(void)
{
    tokenlease_config *config = NULL;
    tokenlease_error *error = NULL;
    DONE(tokenlease_config_new(&config, &error));
    return config;
}

/* Gets a token with a config, and frees the config. */
static void gets_token(tokenlease_config *config)
{
    tokenlease_client *client = NULL;
    tokenlease_token *token = NULL;
    tokenlease_error *error = NULL;
    DONE(tokenlease_client_new(config, NULL, &client, &error));
    tokenlease_config_free(config);
    DONE(tokenlease_client_token(client, NULL, &token, &error));
    tokenlease_token_free(token);
    tokenlease_client_free(client);
}

static void a_profile_is_read(const char *file)
{
    tokenlease_error *error = NULL;
    tokenlease_config *config = new_config();
    FAILS(TOKENLEASE_CONFIG, "there is no profile \"none\"; expected one of: bad, erp",
          tokenlease_config_load_profile(config, T(file), T("none"), &error));
    FAILS(TOKENLEASE_CONFIG, "\"sever\" is unknown; expected \"server\"",
          tokenlease_config_load_profile(config, T(file), T("bad"), &error));
    FAILS(TOKENLEASE_CONFIG, "can't be read",
          tokenlease_config_load_profile(config, T("/no/such/file"), T("erp"), &error));
    FAILS(TOKENLEASE_BAD_ARGUMENT, "profile is NULL",
          tokenlease_config_load_profile(config, T(file), NULL, 0, &error));
    DONE(tokenlease_config_load_profile(config, T(file), T("erp"), &error));
    gets_token(config);
    /* The file that TOKENLEASE_CONFIG names. */
    config = new_config();
    DONE(tokenlease_config_load_profile(config, NULL, 0, T("erp"), &error));
    gets_token(config);
}

static void the_environment_is_read(void)
{
    tokenlease_error *error = NULL;
    tokenlease_config *config = new_config();
    DONE(tokenlease_config_load_environment(config, &error));
    gets_token(config);
    FAILS(TOKENLEASE_BAD_ARGUMENT, "config is NULL",
          tokenlease_config_load_environment(NULL, &error));
}

static void json_is_read(const char *text)
{
    tokenlease_error *error = NULL;
    tokenlease_config *config = new_config();
    FAILS(TOKENLEASE_CONFIG, "is not JSON",
          tokenlease_config_set_json(config, T("{\"password\": canary}"), &error));
    FAILS(TOKENLEASE_CONFIG, "\"usr\" is unknown",
          tokenlease_config_set_json(config, T("{\"usr\": \"canary\"}"), &error));
    DONE(tokenlease_config_set_json(config, T(text), &error));
    gets_token(config);
}

static void the_options_are_listed(void)
{
    tokenlease_error *error = NULL;
    size_t count = tokenlease_option_count(), durations = 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = tokenlease_option_name(i);
        EXPECT(strlen(tokenlease_option_meaning(i)) > 0 && strlen(tokenlease_option_providers(i)));
        durations += strcmp(tokenlease_option_type(i), "duration") == 0;
        if (strcmp(name, "timeout") == 0) {
            EXPECT(strcmp(tokenlease_option_default(i), "10s") == 0);
        }
        EXPECT(strstr(tokenlease_options_json(), name));
    }
    EXPECT(count > 30 && durations > 3);
    EXPECT(!tokenlease_option_name(count) && !tokenlease_option_type(count));
    EXPECT(!tokenlease_option_default(count) && !tokenlease_option_providers(count));
    EXPECT(!tokenlease_option_meaning(count));
    tokenlease_config *config = new_config();
    DONE(tokenlease_config_set(config, T("max-concurrent-logins"), T("3"), &error));
    FAILS(TOKENLEASE_CONFIG, "did you mean",
          tokenlease_config_set_secret(config, T("proxy-pasword"), T("canary"), &error));
    static const char *const secrets[] = {"password", "client-secret", "proxy_password",
                                          "store_password", "store_passphrase"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        DONE(tokenlease_config_set_secret(config, T(secrets[i]), T("canary"), &error));
    }
    tokenlease_config_free(config);
}

int main(int argc, char **argv)
{
    EXPECT(argc == 3);
    a_profile_is_read(argv[1]);
    the_environment_is_read();
    json_is_read(argv[2]);
    the_options_are_listed();
    return 0;
}
