/* In a forked child, a machine of the parent returns an error and does not hang, and its handles may be
 * freed. The child makes its own. */
#include <sys/wait.h>
#include <unistd.h>

#include "machine_support.h"

int main(void)
{
    tokenlease_machine *machine = machine_of_environment();
    tokenlease_token *token = token_of(machine);
    tokenlease_machine_call *open = NULL;
    tokenlease_effect *effect = NULL;
    tokenlease_error *error = NULL;
    DONE(tokenlease_machine_begin(machine, TOKENLEASE_CALL_VALIDATE, token, NULL, &open, &error));
    DONE(tokenlease_machine_poll(machine, open, &effect, &error));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        tokenlease_machine_call *call = NULL;
        tokenlease_effect *next = NULL;
        tokenlease_token *made = NULL;
        tokenlease_result result;
        char text[256];
        size_t length = 0;
        FAILS(TOKENLEASE_FORKED, "",
              tokenlease_machine_begin(machine, TOKENLEASE_CALL_TOKEN, NULL, NULL, &call, &error));
        FAILS(TOKENLEASE_FORKED, "", tokenlease_machine_poll(machine, open, &next, &error));
        FAILS(TOKENLEASE_FORKED, "", tokenlease_machine_adopt(machine, token, 1000, &error));
        FAILS(TOKENLEASE_FORKED, "",
              tokenlease_machine_explain(machine, text, sizeof text, &length, &error));
        FAILS(TOKENLEASE_FORKED, "",
              tokenlease_machine_call_result(open, &result, &made, &error));
        EXPECT(!tokenlease_machine_call_is_complete(open));
        EXPECT(tokenlease_effect_timeout_ms(effect) == TOKENLEASE_NONE);
        if (tokenlease_effect_action(effect) == TOKENLEASE_ACTION_SEND) {
            FAILS(TOKENLEASE_FORKED, "", tokenlease_effect_lost(effect, T("x"), &error));
        } else {
            FAILS(TOKENLEASE_FORKED, "", tokenlease_effect_perform(effect, &error));
        }
        tokenlease_effect_free(effect);
        tokenlease_machine_call_free(open);
        tokenlease_machine_free(machine);
        machine = machine_of_environment();
        made = token_of(machine);
        tokenlease_token_free(made);
        tokenlease_machine_free(machine);
        _exit(0);
    }
    int status = -1;
    EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    tokenlease_effect_free(effect);
    tokenlease_machine_call_free(open);
    tokenlease_token *again = token_of(machine);
    EXPECT(same(token, again));
    tokenlease_token_free(again);
    tokenlease_token_free(token);
    tokenlease_machine_free(machine);
    curl_global_cleanup();
    return 0;
}
