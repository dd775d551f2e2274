/* A store in the memory of the program, whose time the program moves: as short as a store can be. */
#ifndef MEMORY_STORE_H
#define MEMORY_STORE_H

#include "support.h"

#include <pthread.h>

enum { MOST_RECORDS = 64 };

/* The faults that the checks must find, and those that a client must survive. */
typedef enum {
    NO_FAULT,
    FORGETS_REVISIONS, /* swap ignores the expected revision */
    LOCKS_TWICE,       /* lock ignores the other owner */
    UNLOCKS_ALL,       /* unlock ignores the owner */
    STANDS_STILL,      /* time does not pass */
    SETS_NO_TIME,      /* load and swap answer without a time */
    IS_AWAY,           /* every call fails */
    REJECTS            /* every call is rejected */
} fault;

typedef struct {
    char name[65], owner[128];
    uint8_t *bytes;
    size_t length;
    uint64_t revision; /* 0: no record */
    int64_t record_end, lock_end;
} row;

typedef struct {
    pthread_mutex_t mutex;
    row rows[MOST_RECORDS];
    size_t count;
    uint64_t newest;
    int64_t now;
    fault fault;
    int calls, drops;
} memory_store;

static row *row_of(memory_store *store, const char *name)
{
    for (size_t i = 0; i < store->count; i++) {
        if (strcmp(store->rows[i].name, name) == 0) {
            return &store->rows[i];
        }
    }
    EXPECT(store->count < MOST_RECORDS && strlen(name) == 64);
    row *added = &store->rows[store->count++];
    strcpy(added->name, name);
    return added;
}

static void drop_if_ended(memory_store *store, row *found)
{
    if (found->revision && found->record_end != TOKENLEASE_NONE
        && found->record_end <= store->now) {
        found->revision = 0;
    }
}

/* A reply takes only a record that has a revision and bytes. */
static void check_reply(tokenlease_store_reply *reply)
{
    tokenlease_error *error = NULL;
    const uint8_t byte = 1;
    FAILS(TOKENLEASE_BAD_ARGUMENT, "the argument revision is 0",
          tokenlease_store_reply_set_record(reply, 0, &byte, 1, &error));
    FAILS(TOKENLEASE_BAD_ARGUMENT, "the argument record is NULL",
          tokenlease_store_reply_set_record(reply, 1, NULL, 1, &error));
    FAILS(TOKENLEASE_BAD_ARGUMENT, "the argument record_length is ",
          tokenlease_store_reply_set_record(reply, 1, &byte, SIZE_MAX, &error));
    FAILS(TOKENLEASE_BAD_ARGUMENT, "the argument revision is 0",
          tokenlease_store_reply_set_revision(reply, 0, &error));
}

/* Begins a call; returns a result other than TOKENLEASE_STORE_DONE if it fails. */
static int32_t begin(memory_store *store, tokenlease_store_reply *reply)
{
    tokenlease_error *error = NULL;
    pthread_mutex_lock(&store->mutex);
    if (store->calls++ == 0) {
        check_reply(reply);
    }
    if (store->fault != SETS_NO_TIME) {
        DONE(tokenlease_store_reply_set_time(reply, store->now, &error));
    }
    if (store->fault == IS_AWAY || store->fault == REJECTS) {
        DONE(tokenlease_store_reply_set_message(reply, T("out of order"), &error));
        return store->fault == IS_AWAY ? TOKENLEASE_STORE_UNAVAILABLE : TOKENLEASE_STORE_REJECTED;
    }
    return TOKENLEASE_STORE_DONE;
}

static int32_t end(memory_store *store, int32_t result)
{
    pthread_mutex_unlock(&store->mutex);
    return result;
}

static void answer(const row *found, tokenlease_store_reply *reply)
{
    tokenlease_error *error = NULL;
    if (found->revision) {
        DONE(tokenlease_store_reply_set_record(reply, found->revision, found->bytes, found->length,
                                              &error));
    }
}

static int32_t memory_load(void *user, const char *name, tokenlease_store_reply *reply)
{
    memory_store *store = user;
    int32_t result = begin(store, reply);
    if (result == TOKENLEASE_STORE_DONE) {
        row *found = row_of(store, name);
        drop_if_ended(store, found);
        answer(found, reply);
    }
    return end(store, result);
}

static int32_t memory_swap(void *user, const char *name, uint64_t expected, const uint8_t *record,
                           size_t record_length, int64_t keep_ms, tokenlease_store_reply *reply)
{
    memory_store *store = user;
    tokenlease_error *error = NULL;
    int32_t result = begin(store, reply);
    if (result != TOKENLEASE_STORE_DONE) {
        return end(store, result);
    }
    row *found = row_of(store, name);
    drop_if_ended(store, found);
    if (found->revision != expected && store->fault != FORGETS_REVISIONS) {
        answer(found, reply);
        return end(store, TOKENLEASE_STORE_BUSY);
    }
    free(found->bytes);
    found->bytes = malloc(record_length + 1);
    EXPECT(found->bytes);
    memcpy(found->bytes, record, record_length);
    found->length = record_length;
    found->revision = ++store->newest;
    found->record_end = keep_ms == TOKENLEASE_NONE ? TOKENLEASE_NONE : store->now + keep_ms;
    DONE(tokenlease_store_reply_set_revision(reply, found->revision, &error));
    return end(store, TOKENLEASE_STORE_DONE);
}

static int32_t take(memory_store *store, const char *name, const char *owner, int64_t ttl_ms,
                    tokenlease_store_reply *reply, bool renews)
{
    int32_t result = begin(store, reply);
    if (result != TOKENLEASE_STORE_DONE) {
        return end(store, result);
    }
    row *found = row_of(store, name);
    bool is_held = found->lock_end > store->now;
    bool is_own = is_held && strcmp(found->owner, owner) == 0;
    if ((renews ? !is_own : is_held && !is_own) && store->fault != LOCKS_TWICE) {
        return end(store, TOKENLEASE_STORE_BUSY);
    }
    EXPECT(strlen(owner) <= 100);
    strcpy(found->owner, owner);
    found->lock_end = store->now + ttl_ms;
    return end(store, TOKENLEASE_STORE_DONE);
}

static int32_t memory_lock(void *user, const char *name, const char *owner, int64_t ttl_ms,
                           tokenlease_store_reply *reply)
{
    return take(user, name, owner, ttl_ms, reply, false);
}

static int32_t memory_renew(void *user, const char *name, const char *owner, int64_t ttl_ms,
                            tokenlease_store_reply *reply)
{
    return take(user, name, owner, ttl_ms, reply, true);
}

static int32_t memory_unlock(void *user, const char *name, const char *owner,
                             tokenlease_store_reply *reply)
{
    memory_store *store = user;
    int32_t result = begin(store, reply);
    if (result == TOKENLEASE_STORE_DONE) {
        row *found = row_of(store, name);
        if (strcmp(found->owner, owner) == 0 || store->fault == UNLOCKS_ALL) {
            found->lock_end = 0;
        }
    }
    return end(store, result);
}

static void memory_drop(void *user)
{
    memory_store *store = user;
    pthread_mutex_lock(&store->mutex);
    store->drops++;
    pthread_mutex_unlock(&store->mutex);
}

static int32_t memory_pass(void *user, int64_t milliseconds)
{
    memory_store *store = user;
    if (store->fault != STANDS_STILL) {
        store->now += milliseconds;
    }
    return 0;
}

static const tokenlease_store_functions memory_functions = {
    sizeof(tokenlease_store_functions),
    memory_load,
    memory_swap,
    memory_lock,
    memory_renew,
    memory_unlock,
    memory_drop,
};

static void memory_new(memory_store *store, fault fault)
{
    memset(store, 0, sizeof *store);
    store->now = 1000000;
    store->fault = fault;
    EXPECT(pthread_mutex_init(&store->mutex, NULL) == 0);
}

static void memory_free(memory_store *store)
{
    for (size_t i = 0; i < store->count; i++) {
        free(store->rows[i].bytes);
    }
    pthread_mutex_destroy(&store->mutex);
}

#endif
