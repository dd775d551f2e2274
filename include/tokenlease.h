/*
 * tokenlease: one API token for its whole life, of WinKAS Air, Wyn Enterprise and OAuth2 servers.
 *
 * RULES
 *
 * Handles. All types are opaque but the enums. What a call hands over is its caller's, who frees
 * it with the function that is named there; free(NULL) does nothing. What a call takes is lent to
 * it: handles and texts may be freed or changed as soon as it has returned. Handles hold on to what
 * they need, so they may be freed in any order.
 *
 * Status. A call that can fail answers a tokenlease_status; TOKENLEASE_OK is 0. Its last argument
 * takes an error with the details, to be freed with tokenlease_error_free, or is NULL if nobody
 * wants to know them. Errors hold no secret.
 *
 * Outputs are the last arguments before the error. They are written on success alone, and the
 * error on failure alone, so set both to NULL before: then all may be freed in any case. No two
 * arguments of a call may point to the same place.
 *
 * Arguments are looked at before they are used: NULL where something is needed, text that is no
 * UTF-8 and numbers out of their range are answered with TOKENLEASE_BAD_ARGUMENT. A NULL is never
 * taken for an empty text.
 *
 * Text is UTF-8 and ends with a NUL, both ways. Text that is handed out belongs to the handle that
 * it was asked of and lives as long.
 *
 * Times are milliseconds in int64_t; TOKENLEASE_NONE is no time, and the default. Enums are handed
 * over as int32_t.
 *
 * Threads. Clients and registries may be used by any number of threads at once; errors and tokens
 * never change, so threads may read them together; a config is used by one thread at a time. Any
 * handle may be freed by any thread, when no other uses it any more. Nothing is kept per thread.
 * Calls that ask a provider or a store block their thread until they are done, at most until their
 * deadline. The library starts two threads of its own with the first of these, and none before.
 *
 * Fork. A client and a registry that were made before a fork are of no use to the child: calls
 * answer TOKENLEASE_FORKED, unless a cached token serves, and do not hang. The child makes new
 * ones, and may free the old ones.
 *
 * Panics. A fault of the library ends in TOKENLEASE_INTERNAL, not in the end of the program.
 *
 * Callbacks are called on threads of the library's. They must return, and must not throw.
 *
 * Versions. Before 1.0 a new minor version may change the interface, and has another soname. From
 * 1.0 on it will only grow.
 */

#ifndef TOKENLEASE_H
#define TOKENLEASE_H

/* Generated from bindings/c/src by a test. Don't edit it here. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version of this header; tokenlease_version() is that of the library. */
#define TOKENLEASE_VERSION "0.1.0"
#define TOKENLEASE_VERSION_MAJOR 0
#define TOKENLEASE_VERSION_MINOR 1
#define TOKENLEASE_VERSION_PATCH 0

/**
 * No time, and no wish of one: what is answered where a time is not known, and given where the
 * default shall apply.
 */
#define TOKENLEASE_NONE -1

/**
 * What came of a call. Numbers never change their meaning; later versions may add some, so treat
 * one that you do not know like TOKENLEASE_INTERNAL.
 */
typedef enum {
  /**
   * It was done.
   */
  TOKENLEASE_OK = 0,
  /**
   * An option, an address or a scope is wrong: mend the configuration.
   */
  TOKENLEASE_CONFIG = 1,
  /**
   * The provider rejected user, password, contract or client: mend the credentials, then call
   * tokenlease_client_unblock.
   */
  TOKENLEASE_CREDENTIALS_REJECTED = 2,
  /**
   * The provider says no to the token itself, or rejections of it are being spaced.
   */
  TOKENLEASE_TOKEN_REJECTED = 3,
  /**
   * The provider, or a limit that protects the account, asks to wait: come back after
   * tokenlease_error_until_ms.
   */
  TOKENLEASE_THROTTLED = 4,
  /**
   * The provider can't answer now: try later.
   */
  TOKENLEASE_UNAVAILABLE = 5,
  /**
   * The provider's answer could not be understood: look at the address and the version.
   */
  TOKENLEASE_INVALID_RESPONSE = 6,
  /**
   * No answer came: look at network, proxy and TLS.
   */
  TOKENLEASE_TRANSPORT = 7,
  /**
   * The caller's own deadline passed.
   */
  TOKENLEASE_DEADLINE_EXCEEDED = 8,
  /**
   * The store of shared leases failed: look at its address, rights and key.
   */
  TOKENLEASE_STORE = 9,
  /**
   * This provider, or this configuration, has no such call.
   */
  TOKENLEASE_UNSUPPORTED = 10,
  /**
   * The process was forked after the client was made: make a new one in the child.
   */
  TOKENLEASE_FORKED = 11,
  /**
   * A fault of tokenlease: please report it.
   */
  TOKENLEASE_INTERNAL = 12,
  /**
   * An argument was NULL, no UTF-8, or out of its range: mend the program.
   */
  TOKENLEASE_BAD_ARGUMENT = 100,
  /**
   * The buffer can't hold the text: see the length that was written.
   */
  TOKENLEASE_BUFFER_TOO_SMALL = 101,
} tokenlease_status;

/**
 * How a token is presented to an API.
 */
typedef enum {
  /**
   * None: the answer for NULL.
   */
  TOKENLEASE_KIND_NONE = 0,
  /**
   * In the field "Token" of a JSON body (WinKAS Air).
   */
  TOKENLEASE_KIND_WINKAS = 1,
  /**
   * In the header "Authorization: Bearer" (RFC 6750).
   */
  TOKENLEASE_KIND_BEARER = 2,
} tokenlease_token_kind;

/**
 * What a client counts. Answers from memory are not counted: they cost nothing.
 */
typedef enum {
  /**
   * Requests for a new token that were sent.
   */
  TOKENLEASE_COUNT_LOGINS = 0,
  /**
   * Requests for the running token that were sent.
   */
  TOKENLEASE_COUNT_REFETCHES = 1,
  /**
   * Questions about a token that were sent.
   */
  TOKENLEASE_COUNT_VALIDATIONS = 2,
  /**
   * Revocations that were sent.
   */
  TOKENLEASE_COUNT_REVOCATIONS = 3,
  /**
   * Calls of the store.
   */
  TOKENLEASE_COUNT_STORE_CALLS = 4,
  /**
   * Callers that memory could not answer at once.
   */
  TOKENLEASE_COUNT_CACHE_MISSES = 5,
  /**
   * Callers that were answered with an error.
   */
  TOKENLEASE_COUNT_ERRORS = 6,
} tokenlease_count;

/**
 * Gets, keeps and shares the token of one identity. Threads may share it: a thousand that ask at
 * once are one request.
 */
typedef struct tokenlease_client tokenlease_client;

/**
 * Options and secrets to make clients of, or the options of a registry. One thread at a time may
 * use it. What was made of it stays as it is when it is changed or freed.
 */
typedef struct tokenlease_config tokenlease_config;

/**
 * What a function that fetches credentials fills in. It is lent to that function until it
 * returns, and freed by nobody else.
 */
typedef struct tokenlease_credentials tokenlease_credentials;

/**
 * What went wrong. It holds no secret, so it may be logged. It never changes: threads may read it
 * together. Whoever got it frees it with tokenlease_error_free.
 */
typedef struct tokenlease_error tokenlease_error;

/**
 * What clients share: the store, trust, and how requests are sent. Threads may share it.
 */
typedef struct tokenlease_registry tokenlease_registry;

/**
 * A token. It never changes: threads may read it together. Whoever got it frees it with
 * tokenlease_token_free, which overwrites its text.
 */
typedef struct tokenlease_token tokenlease_token;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that is running, such as "0.1.0": compare it with
 * TOKENLEASE_VERSION, that of this header.
 */
const char *tokenlease_version(void);

/**
 * A status' name in snake case, such as "credentials_rejected"; "unknown" for a number that is
 * none. It lives as long as the library.
 */
const char *tokenlease_status_name(int32_t status);

/**
 * The same status as the call's. TOKENLEASE_OK for NULL.
 */
tokenlease_status tokenlease_error_status(const tokenlease_error *error);

/**
 * All of it in words: what was wrong, what was expected, what to do. It lives as long as the
 * error. NULL for NULL.
 */
const char *tokenlease_error_message(const tokenlease_error *error);

/**
 * What was wrong, alone. It lives as long as the error. NULL for NULL.
 */
const char *tokenlease_error_detail(const tokenlease_error *error);

/**
 * The provider's own error code, RFC 6749 "error" or WinKAS' "WinkasErrorCode". It lives as long as
 * the error. NULL if the provider gave none, and for NULL.
 */
const char *tokenlease_error_code(const tokenlease_error *error);

/**
 * The HTTP status of the provider's answer. 0 if none was read, and for NULL.
 */
int32_t tokenlease_error_http_status(const tokenlease_error *error);

/**
 * Whether the same call may succeed later without anything being changed. false for NULL.
 */
bool tokenlease_error_is_retryable(const tokenlease_error *error);

/**
 * The wait that the provider asked for (Retry-After), in milliseconds. TOKENLEASE_NONE if it did
 * not, and for NULL.
 */
int64_t tokenlease_error_retry_after_ms(const tokenlease_error *error);

/**
 * The moment before which the answer will not change, in milliseconds since
 * 1970-01-01T00:00:00Z. TOKENLEASE_NONE if it is not known, and for NULL.
 */
int64_t tokenlease_error_until_ms(const tokenlease_error *error);

/**
 * Frees an error. Nothing for NULL.
 */
void tokenlease_error_free(tokenlease_error *error);

/**
 * Makes a config without options. Free it with tokenlease_config_free.
 */
tokenlease_status tokenlease_config_new(tokenlease_config **config,
                                        tokenlease_error **error);

/**
 * Sets an option by its name: "provider", "server", "user", "store" and so on, as they are called
 * in profiles of the program ("tokenlease help token" tells them all). Times are written with
 * their units: "90s", "15m", "8h". An option of a registry is not given to a client of it.
 *
 * Errors: TOKENLEASE_CONFIG for a name that is unknown, and a value that can't be read.
 */
tokenlease_status tokenlease_config_set(tokenlease_config *config,
                                        const char *name,
                                        const char *value,
                                        tokenlease_error **error);

/**
 * Sets the user's password; it is copied.
 */
tokenlease_status tokenlease_config_set_password(tokenlease_config *config,
                                                 const char *password,
                                                 tokenlease_error **error);

/**
 * Sets the client's secret (wyn, oauth2); it is copied.
 */
tokenlease_status tokenlease_config_set_client_secret(tokenlease_config *config,
                                                      const char *client_secret,
                                                      tokenlease_error **error);

/**
 * Sets a function that fetches the credentials, in place of fixed ones and of those that options
 * name: from a vault, or from what the host program knows. It is called before a client's first
 * look and before each send of credentials, never while a cached token serves, on a thread of the
 * library's and by several at once if several clients are made of the config. It fills in what it
 * is lent and answers 0; another answer fails the call that needs credentials, with
 * TOKENLEASE_CONFIG. It must return, throw nothing, and ask nothing of the client it is called for.
 *
 * Ownership: if this call succeeds, user is the library's, which calls drop with it once, on any
 * thread, when the config and all clients made of it are freed or have other credentials, and no
 * call is under way. drop may be NULL.
 */
tokenlease_status tokenlease_config_set_credentials_function(tokenlease_config *config,
                                                             int32_t (*function)(void *user,
                                                                                 tokenlease_credentials *credentials),
                                                             void *user,
                                                             void (*drop)(void *user),
                                                             tokenlease_error **error);

/**
 * Frees a config. Nothing for NULL.
 */
void tokenlease_config_free(tokenlease_config *config);

/**
 * Fills in the user's password; it is copied.
 */
tokenlease_status tokenlease_credentials_set_password(tokenlease_credentials *credentials,
                                                      const char *password,
                                                      tokenlease_error **error);

/**
 * Fills in the client's secret (wyn, oauth2); it is copied.
 */
tokenlease_status tokenlease_credentials_set_client_secret(tokenlease_credentials *credentials,
                                                           const char *client_secret,
                                                           tokenlease_error **error);

/**
 * Makes a registry of the options "store", "store_key", "store_key_file",
 * "store_passphrase_file", "ca", "allow_plain_http" and "timeout" of a config, and opens its
 * store. Free it with tokenlease_registry_free.
 *
 * Errors: TOKENLEASE_CONFIG, TOKENLEASE_STORE.
 */
tokenlease_status tokenlease_registry_new(const tokenlease_config *config,
                                          tokenlease_registry **registry,
                                          tokenlease_error **error);

/**
 * Frees a registry; its clients go on with it. Nothing for NULL.
 */
void tokenlease_registry_free(tokenlease_registry *registry);

/**
 * The token's text: a secret, so it belongs in no log. It lives as long as the token. NULL for
 * NULL.
 */
const char *tokenlease_token_text(const tokenlease_token *token);

/**
 * The length of the text in bytes, without the NUL at its end. 0 for NULL.
 */
size_t tokenlease_token_length(const tokenlease_token *token);

/**
 * How it is presented to an API.
 */
tokenlease_token_kind tokenlease_token_kind_of(const tokenlease_token *token);

/**
 * Frees a token, and overwrites its text. It ends no token at the provider. Nothing for NULL.
 */
void tokenlease_token_free(tokenlease_token *token);

/**
 * Makes a client of a config, in a registry or, for NULL, in one of its own options: without
 * them it shares the memory of the process. It sends nothing until it is asked. Free it with
 * tokenlease_client_free.
 *
 * Errors: TOKENLEASE_CONFIG for options that are missing, of another provider or at odds with each
 * other, TOKENLEASE_STORE.
 */
tokenlease_status tokenlease_client_new(const tokenlease_config *config,
                                        const tokenlease_registry *registry,
                                        tokenlease_client **client,
                                        tokenlease_error **error);

/**
 * The token to use now: once a lifetime a login, else it comes from memory. Free it with
 * tokenlease_token_free.
 *
 * Errors: all but TOKENLEASE_BUFFER_TOO_SMALL; TOKENLEASE_DEADLINE_EXCEEDED if none came within the limit
 * of the option "deadline", 30 seconds unless it was set.
 */
tokenlease_status tokenlease_client_token(const tokenlease_client *client,
                                          tokenlease_token **token,
                                          tokenlease_error **error);

/**
 * As tokenlease_client_token, by a deadline of one's own in milliseconds from now, and with a
 * wish for the life that is left, in milliseconds: it is clamped to a half of the token's life,
 * and for winkas, whose ends nobody states, it means a validation now and never a new token. Either
 * may be TOKENLEASE_NONE.
 */
tokenlease_status tokenlease_client_token_with(const tokenlease_client *client,
                                               int64_t deadline_ms,
                                               int64_t min_remaining_ms,
                                               tokenlease_token **token,
                                               tokenlease_error **error);

/**
 * Copies the text of the token to use now, and a NUL, into a buffer of capacity bytes: the
 * fastest way, without an allocation or a lock while the token is cached. length is that of the
 * text without the NUL. It is written also with TOKENLEASE_BUFFER_TOO_SMALL: the buffer must
 * hold a byte more. The buffer may be NULL if capacity is 0.
 *
 * Errors: those of tokenlease_client_token, TOKENLEASE_BUFFER_TOO_SMALL.
 */
tokenlease_status tokenlease_client_copy_token(const tokenlease_client *client,
                                               char *buffer,
                                               size_t capacity,
                                               size_t *length,
                                               tokenlease_error **error);

/**
 * As tokenlease_client_copy_token, with the wishes of tokenlease_client_token_with.
 */
tokenlease_status tokenlease_client_copy_token_with(const tokenlease_client *client,
                                                    int64_t deadline_ms,
                                                    int64_t min_remaining_ms,
                                                    char *buffer,
                                                    size_t capacity,
                                                    size_t *length,
                                                    tokenlease_error **error);

/**
 * A token from its text, which was copied or came from elsewhere: for the calls that take one. It
 * asks nobody. Free it with tokenlease_token_free.
 */
tokenlease_status tokenlease_client_token_of(const tokenlease_client *client,
                                             const char *token_text,
                                             tokenlease_token **token,
                                             tokenlease_error **error);

/**
 * Claims that an API rejected this token. The claim is checked with the provider before it is
 * believed; a thousand claims on one token are one check and at most one new token.
 *
 * replacement is NULL if the provider says that the token is active: the rejection is about something
 * else, a permission for one, so don't call again. Else it is the token in use now: call the API
 * once more with it, and free it with tokenlease_token_free.
 *
 * Errors: those of tokenlease_client_token.
 */
tokenlease_status tokenlease_client_report_rejected(const tokenlease_client *client,
                                                    const tokenlease_token *token,
                                                    tokenlease_token **replacement,
                                                    tokenlease_error **error);

/**
 * Asks the provider whether a token, this client's or any other, is active.
 *
 * Errors: those of tokenlease_client_token; TOKENLEASE_UNSUPPORTED where there is no call for it.
 */
tokenlease_status tokenlease_client_validate(const tokenlease_client *client,
                                             const tokenlease_token *token,
                                             bool *active,
                                             tokenlease_error **error);

/**
 * Asks the provider for the running token (winkas), whatever memory and store hold. Free it with
 * tokenlease_token_free.
 *
 * Errors: those of tokenlease_client_token; TOKENLEASE_UNSUPPORTED where there is no call for it.
 */
tokenlease_status tokenlease_client_refetch(const tokenlease_client *client,
                                            tokenlease_token **token,
                                            tokenlease_error **error);

/**
 * Ends a token for all who share it, and tells the provider. proven says whether the provider agreed
 * afterwards that it is not active.
 *
 * Errors: TOKENLEASE_UNSUPPORTED for winkas, which has no such call: see tokenlease_client_forget.
 * With others the token is not used any more, but may still be active.
 */
tokenlease_status tokenlease_client_revoke(const tokenlease_client *client,
                                           const tokenlease_token *token,
                                           bool *proven,
                                           tokenlease_error **error);

/**
 * Drops this client's token here and in the store, without ending it at the provider.
 */
tokenlease_status tokenlease_client_forget(const tokenlease_client *client,
                                           tokenlease_error **error);

/**
 * Says that the credentials are right, or that the account was unlocked: what stops them is
 * lifted, and the next caller is served by one login.
 */
tokenlease_status tokenlease_client_unblock(const tokenlease_client *client,
                                            tokenlease_error **error);

/**
 * Takes a token that was made elsewhere, which ends after life_ms milliseconds; TOKENLEASE_NONE:
 * nobody knows. It serves this client, and others only if they have seen its credentials
 * accepted. It is copied.
 */
tokenlease_status tokenlease_client_adopt(const tokenlease_client *client,
                                          const tokenlease_token *token,
                                          int64_t life_ms,
                                          tokenlease_error **error);

/**
 * Goes on with the credentials of a config; its other options are not looked at. Who asks from
 * now on is served by them alone.
 */
tokenlease_status tokenlease_client_set_credentials(const tokenlease_client *client,
                                                    const tokenlease_config *config,
                                                    tokenlease_error **error);

/**
 * Tells where the token in hand stands and how it came, in words, without the secret, into a
 * buffer as tokenlease_client_copy_token does.
 */
tokenlease_status tokenlease_client_explain(const tokenlease_client *client,
                                            char *buffer,
                                            size_t capacity,
                                            size_t *length,
                                            tokenlease_error **error);

/**
 * How often a client has done something, a tokenlease_count, since it was made.
 */
tokenlease_status tokenlease_client_count(const tokenlease_client *client,
                                          int32_t what,
                                          uint64_t *count,
                                          tokenlease_error **error);

/**
 * Waits until nothing is under way for this client, so that a program that ends leaves no login
 * half done and no lock taken. It ends no token, and the client may be used on.
 */
tokenlease_status tokenlease_client_close(const tokenlease_client *client,
                                          tokenlease_error **error);

/**
 * Frees a client. It waits for nothing, see tokenlease_client_close, and ends no token. Nothing
 * for NULL.
 */
void tokenlease_client_free(tokenlease_client *client);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TOKENLEASE_H */
