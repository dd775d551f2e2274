/* Helpers of the test programs that drive a machine with libcurl. */
#ifndef MACHINE_SUPPORT_H
#define MACHINE_SUPPORT_H

#include "../../examples/libcurl_host.h"
#include "support.h"

/* Makes a machine from the environment. STORE is the option "store". */
static inline tokenlease_machine *machine_of_environment(void)
{
    tokenlease_config *config = config_of_environment();
    tokenlease_machine *machine = NULL;
    tokenlease_error *error = NULL;
    if (getenv("STORE")) {
        DONE(tokenlease_config_set(config, T("store"), T(getenv("STORE")), &error));
    }
    DONE(tokenlease_machine_new(config, NULL, NULL, &machine, &error));
    tokenlease_config_free(config);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return machine;
}

/* Makes a call that must succeed, and returns its result. */
static inline tokenlease_result call(tokenlease_machine *machine, int32_t kind,
                                     const tokenlease_token *about, tokenlease_token **token)
{
    tokenlease_token *other = NULL;
    tokenlease_error *error = NULL;
    tokenlease_result result;
    DONE(host_call(machine, kind, about, NULL, &result, &other, &error));
    EXPECT((other != NULL) == (result == TOKENLEASE_RESULT_TOKEN));
    if (token) {
        *token = other;
    } else {
        tokenlease_token_free(other);
    }
    return result;
}

static inline tokenlease_token *token_of(tokenlease_machine *machine)
{
    tokenlease_token *token = NULL;
    EXPECT(call(machine, TOKENLEASE_CALL_TOKEN, NULL, &token) == TOKENLEASE_RESULT_TOKEN);
    return token;
}

static inline int same(const tokenlease_token *one, const tokenlease_token *other)
{
    return strcmp(tokenlease_token_text(one), tokenlease_token_text(other)) == 0;
}

#endif
