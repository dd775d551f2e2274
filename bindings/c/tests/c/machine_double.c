/* A test double: a machine with the program's own store, clocks and server. Nothing is sent, and no
 * time passes. */
#include "support.h"

struct double_ {
    tokenlease_machine *machine;
    int64_t now;
    /* The store: one record, and its lock. */
    char name[80], owner[104], record[65536];
    size_t length;
    int64_t revision;
    /* The server: the status of the next answer, and the number of logins. */
    int status, logins;
    const char *headers;
    /* The result of the store's calls, 0 if they work; and how often a save finds another revision. */
    int failure, conflicts;
};

static void store_of(struct double_ *d, tokenlease_effect *effect)
{
    tokenlease_error *error = NULL;
    if (d->failure) {
        DONE(tokenlease_effect_store_failed(effect, d->failure, T("on purpose"), &error));
        return;
    }
    const char *name = tokenlease_effect_record_name(effect);
    EXPECT(strlen(name) == 64 && (!*d->name || strcmp(name, d->name) == 0));
    strcpy(d->name, name);
    switch (tokenlease_effect_action(effect)) {
    case TOKENLEASE_ACTION_LOAD:
        DONE(tokenlease_effect_loaded(effect, d->revision, d->record, d->length, d->now, &error));
        return;
    case TOKENLEASE_ACTION_LOCK:
    case TOKENLEASE_ACTION_RENEW:
        EXPECT(tokenlease_effect_lock_ttl_ms(effect) >= 10000);
        EXPECT(strlen(tokenlease_effect_lock_owner(effect)) <= 100);
        if (!*d->owner) {
            strcpy(d->owner, tokenlease_effect_lock_owner(effect));
        }
        DONE(tokenlease_effect_lock_result(
            effect, strcmp(d->owner, tokenlease_effect_lock_owner(effect)) == 0, &error));
        return;
    case TOKENLEASE_ACTION_UNLOCK:
        if (strcmp(d->owner, tokenlease_effect_lock_owner(effect)) == 0) {
            *d->owner = 0;
        }
        DONE(tokenlease_effect_unlocked(effect, &error));
        return;
    default:
        EXPECT(tokenlease_effect_action(effect) == TOKENLEASE_ACTION_SAVE);
    }
    if (d->conflicts > 0 || tokenlease_effect_expected_revision(effect) != d->revision) {
        d->conflicts--;
        d->revision++;
        DONE(tokenlease_effect_conflict(effect, d->revision, d->record, d->length, d->now, &error));
        return;
    }
    EXPECT(tokenlease_effect_record_length(effect) <= sizeof d->record);
    EXPECT(tokenlease_effect_keep_ms(effect) == TOKENLEASE_NONE
           || tokenlease_effect_keep_ms(effect) > 0);
    d->length = tokenlease_effect_record_length(effect);
    memcpy(d->record, tokenlease_effect_record(effect), d->length);
    d->revision++;
    DONE(tokenlease_effect_saved(effect, d->revision, d->now, &error));
}

static void server_of(struct double_ *d, tokenlease_effect *effect)
{
    char body[200] = "{}";
    tokenlease_answer answer = TOKENLEASE_ANSWER_INIT;
    tokenlease_error *error = NULL;
    const tokenlease_request *request = tokenlease_effect_request(effect);
    EXPECT(strcmp(tokenlease_request_method(request), "POST") == 0);
    EXPECT(strstr(tokenlease_request_url(request), "/connect/token"));
    EXPECT(tokenlease_request_body_length(request) > 0);
    EXPECT(tokenlease_request_header_count(request) > 0);
    d->logins++;
    if (d->status == 0) {
        DONE(tokenlease_effect_lost(effect, T("a timeout of https://x/?canary"), &error));
        return;
    }
    if (d->status == 200) {
        snprintf(body, sizeof body, "{\"access_token\":\"token%d\",\"expires_in\":3600}", d->logins);
    }
    answer.status = d->status;
    answer.headers = d->headers;
    answer.headers_length = d->headers ? strlen(d->headers) : 0;
    answer.body = body;
    answer.body_length = strlen(body);
    DONE(tokenlease_effect_answered(effect, &answer, &error));
    FAILS(TOKENLEASE_BAD_ARGUMENT, "has its outcome already",
          tokenlease_effect_answered(effect, &answer, &error));
    EXPECT(tokenlease_effect_timeout_ms(effect) == TOKENLEASE_NONE);
}

/* Gets a token, and lets time pass as the machine waits. */
static tokenlease_status get(struct double_ *d, int64_t deadline, char *text, size_t capacity,
                             tokenlease_error **failed)
{
    tokenlease_machine_call *call = NULL;
    tokenlease_token_options options = TOKENLEASE_TOKEN_OPTIONS_INIT;
    tokenlease_token *token = NULL;
    tokenlease_error *error = NULL;
    tokenlease_result result;
    int is_done = 0;
    options.deadline_ms = deadline;
    DONE(tokenlease_machine_set_now(d->machine, d->now, d->now, &error));
    DONE(tokenlease_machine_begin(d->machine, TOKENLEASE_CALL_TOKEN, NULL, &options, &call, &error));
    while (!is_done) {
        tokenlease_effect *effect = NULL;
        DONE(tokenlease_machine_poll(d->machine, call, &effect, &error));
        switch (tokenlease_effect_action(effect)) {
        case TOKENLEASE_ACTION_DONE:
            is_done = 1;
            break;
        case TOKENLEASE_ACTION_WAIT:
            FAILS(TOKENLEASE_CONFIG, "its own clocks", tokenlease_effect_perform(effect, &error));
            d->now += tokenlease_effect_timeout_ms(effect);
            break;
        case TOKENLEASE_ACTION_SEND:
            server_of(d, effect);
            break;
        default:
            store_of(d, effect);
        }
        tokenlease_effect_free(effect);
        d->now += 1;
        DONE(tokenlease_machine_set_now(d->machine, d->now, d->now, &error));
    }
    EXPECT(tokenlease_machine_call_is_complete(call));
    tokenlease_status status = tokenlease_machine_call_result(call, &result, &token, failed);
    FAILS(TOKENLEASE_BAD_ARGUMENT, "was read before",
          tokenlease_machine_call_result(call, &result, &token, &error));
    if (!status) {
        snprintf(text, capacity, "%s", tokenlease_token_text(token));
    }
    tokenlease_token_free(token);
    tokenlease_machine_call_free(call);
    return status;
}

static tokenlease_machine *machine_at(int64_t now)
{
    tokenlease_config *config = config_of_environment();
    tokenlease_machine_options options = TOKENLEASE_MACHINE_OPTIONS_INIT;
    tokenlease_machine *machine = NULL;
    tokenlease_error *error = NULL;
    /* A store of processes needs a key that they share. */
    DONE(tokenlease_config_set(config, T("store"), T(getenv("STORE")), &error));
    options.elapsed_ms = now;
    options.wall_ms = now;
    DONE(tokenlease_machine_new(config, NULL, &options, &machine, &error));
    tokenlease_config_free(config);
    return machine;
}

int main(void)
{
    static struct double_ d;
    tokenlease_error *error = NULL;
    char first[64], text[64];
    d.now = 1000;
    d.revision = TOKENLEASE_NONE;
    d.status = 200;
    d.failure = 0;
    d.conflicts = 1;
    d.machine = machine_at(d.now);

    /* One login, also after a save that found another revision; the record and the lock are ours. */
    DONE(get(&d, 30000, first, sizeof first, &error));
    EXPECT(d.logins == 1 && d.length > 0 && !*d.owner);
    DONE(get(&d, 30000, text, sizeof text, &error));
    EXPECT(d.logins == 1 && strcmp(first, text) == 0);

    /* Another machine finds the token in the store. */
    tokenlease_machine_free(d.machine);
    d.machine = machine_at(d.now);
    DONE(get(&d, 30000, text, sizeof text, &error));
    EXPECT(d.logins == 1 && strcmp(first, text) == 0);

    /* An hour passes at once: the token has expired. */
    d.now += 3600 * 1000;
    DONE(get(&d, 30000, text, sizeof text, &error));
    EXPECT(d.logins == 2 && strcmp(first, text) != 0);

    /* The server asks to wait, and the machine does until then, for all callers. */
    d.now += 3600 * 1000;
    d.status = 429;
    d.headers = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 120\r\n\r\n";
    EXPECT(get(&d, 5000, text, sizeof text, &error) == TOKENLEASE_THROTTLED && error);
    EXPECT(tokenlease_error_until_ms(error) > d.now + 60000);
    tokenlease_error_free(error);
    error = NULL;
    EXPECT(d.logins == 3);
    EXPECT(get(&d, 5000, text, sizeof text, NULL) == TOKENLEASE_THROTTLED && d.logins == 3);
    d.now += 3600 * 1000;
    d.status = 200;
    d.headers = NULL;
    DONE(get(&d, 30000, text, sizeof text, &error));
    EXPECT(d.logins == 4);

    /* Another owner has the lock, and the answer is not awaited longer than the deadline says. */
    d.now += 3600 * 1000;
    strcpy(d.owner, "another");
    int64_t begin = d.now;
    EXPECT(get(&d, 5000, text, sizeof text, NULL) == TOKENLEASE_DEADLINE_EXCEEDED);
    EXPECT(d.logins == 4 && d.now - begin < 6000);
    *d.owner = 0;

    /* A store that fails in each way, and a login whose answer is lost. */
    for (d.failure = TOKENLEASE_STORE_UNAVAILABLE; d.failure <= TOKENLEASE_STORE_REJECTED;
         d.failure++) {
        d.now += 60 * 1000;
        EXPECT(get(&d, 5000, text, sizeof text, NULL) == TOKENLEASE_STORE && d.logins == 4);
    }
    d.failure = 0;
    d.now += 60 * 1000;
    d.status = 0;
    EXPECT(get(&d, 1500, text, sizeof text, &error) != TOKENLEASE_OK && d.logins == 5);
    EXPECT(strstr(tokenlease_error_message(error), "a timeout of"));
    tokenlease_error_free(error);

    tokenlease_machine_free(d.machine);
    return 0;
}
