/*
 * tokenlease: gets, caches and shares API tokens of WinKAS Air, Wyn Enterprise and OAuth2 servers,
 * and uses each token for its whole lifetime.
 *
 * RULES
 *
 * Handles. All struct types are opaque. The caller owns each handle that a call returns, and frees
 * it with the function that the call's documentation names. Freeing NULL is a no-op. Arguments are
 * borrowed for the duration of the call: the caller may free or change handles and strings as soon
 * as the call returns. A handle keeps the objects that it depends on, so handles may be freed in
 * any order.
 *
 * Errors. A function that can fail returns a tokenlease_status; TOKENLEASE_OK is 0. Its last
 * parameter receives an error with the details, which the caller frees with tokenlease_error_free.
 * Pass NULL if you do not need the details. Errors contain no secrets. Compilers warn if a status is
 * not checked; define TOKENLEASE_MUST_CHECK as nothing to turn that off.
 *
 * Output parameters are the last parameters before the error. The library writes them only on
 * success, and the error only on failure. (One exception: a call that returns
 * TOKENLEASE_BUFFER_TOO_SMALL also writes the length.) Initialize outputs and the error to NULL;
 * then every handle may be freed on every path. No two arguments of a call may point to the same
 * object.
 *
 * Arguments are checked. A call returns TOKENLEASE_BAD_ARGUMENT if a required pointer is NULL, a
 * text is not valid UTF-8, or a number is out of range. NULL is never treated as an empty text.
 *
 * Text arguments are UTF-8, and each is a pointer followed by its length in bytes. The length
 * TOKENLEASE_NUL_TERMINATED says that the text ends at its first NUL; in C, TOKENLEASE_TEXT(text)
 * passes both arguments. A NUL within the length is an error, because it shows a wrong length.
 *
 * Strings that the library returns are NUL-terminated UTF-8. A string belongs to the handle that it
 * was read from, and is valid until that handle is freed.
 *
 * Structs of options begin with their size, so that later versions can add fields. NULL selects the
 * defaults. Begin with the struct's initializer TOKENLEASE_..._INIT, then set fields.
 *
 * Times are int64_t milliseconds. TOKENLEASE_NONE as an argument selects the default; as a result
 * it means that the time is not known. Enum arguments are passed as int32_t.
 *
 * Threads. Any number of threads may use a client or a registry at the same time. Errors and tokens
 * are immutable, so threads may read them concurrently. Only one thread at a time may use a config.
 * Any thread may free any handle, if no other thread still uses it. The library keeps no state per
 * thread. A call that contacts a server or a store blocks its thread until it completes, at most
 * until its deadline. The first such call starts two background threads; no earlier call starts
 * any.
 *
 * Fork. A child process cannot use a client or a registry that was made before the fork: calls
 * return TOKENLEASE_FORKED instead of blocking, unless a cached token can be returned. The child
 * makes new clients and registries. It may free the old ones.
 *
 * Panics. A bug in the library makes the call return TOKENLEASE_INTERNAL; it does not abort the
 * program.
 *
 * Callbacks run on threads of the library. They must return, and must not throw.
 *
 * Linking. Nothing to define for the shared library. Define TOKENLEASE_STATIC before the header is
 * included if a program for Windows links the static library.
 *
 * Versions. Before 1.0, a new minor version may change the interface, and has a different soname.
 * From 1.0 on, the interface only grows.
 */

#ifndef TOKENLEASE_H
#define TOKENLEASE_H

/* Generated from bindings/c/src by a test. Do not edit. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a function comes from, and how it is called. */
#ifndef TOKENLEASE_API
#if defined(_WIN32) && !defined(TOKENLEASE_STATIC)
#define TOKENLEASE_API __declspec(dllimport)
#elif defined(__GNUC__) && !defined(_WIN32)
#define TOKENLEASE_API __attribute__((visibility("default")))
#else
#define TOKENLEASE_API
#endif
#endif
#ifndef TOKENLEASE_CALL
#ifdef _WIN32
#define TOKENLEASE_CALL __cdecl
#else
#define TOKENLEASE_CALL
#endif
#endif

/* Warns if a caller does not check a status. */
#ifndef TOKENLEASE_MUST_CHECK
#if defined(__GNUC__)
#define TOKENLEASE_MUST_CHECK __attribute__((warn_unused_result))
#elif defined(_MSC_VER)
#define TOKENLEASE_MUST_CHECK _Check_return_
#else
#define TOKENLEASE_MUST_CHECK
#endif
#endif

/* The version of this header. tokenlease_version() and tokenlease_version_number() return the version
 * of the library. */
#define TOKENLEASE_VERSION "0.1.0"
#define TOKENLEASE_VERSION_MAJOR 0
#define TOKENLEASE_VERSION_MINOR 1
#define TOKENLEASE_VERSION_PATCH 0
#define TOKENLEASE_VERSION_NUMBER \
    (TOKENLEASE_VERSION_MAJOR * 1000000 + TOKENLEASE_VERSION_MINOR * 1000 + TOKENLEASE_VERSION_PATCH)

/* As the length of a text: the text ends at its first NUL. */
#define TOKENLEASE_NUL_TERMINATED ((size_t)-1)

/* Passes a NUL-terminated string as a text argument and its length. */
#define TOKENLEASE_TEXT(text) (text), TOKENLEASE_NUL_TERMINATED

/* The initializers of the structs of options. */
#define TOKENLEASE_TOKEN_OPTIONS_INIT \
    {sizeof(tokenlease_token_options), TOKENLEASE_NONE, TOKENLEASE_NONE}
#define TOKENLEASE_MACHINE_OPTIONS_INIT \
    {sizeof(tokenlease_machine_options), TOKENLEASE_NONE, TOKENLEASE_NONE}
#define TOKENLEASE_ANSWER_INIT {sizeof(tokenlease_answer), 0, NULL, 0, NULL, 0, NULL}

/**
 * As a result: the time is not known. As an argument: use the default.
 */
#define TOKENLEASE_NONE ((int64_t)-1)

/**
 * The result of a call. The meaning of a number never changes. Later versions may add numbers, so
 * treat an unknown one like TOKENLEASE_INTERNAL.
 */
typedef enum tokenlease_status {
  /**
   * The call succeeded.
   */
  TOKENLEASE_OK = 0,
  /**
   * An option, an address or a scope is wrong. Correct the configuration.
   */
  TOKENLEASE_CONFIG = 1,
  /**
   * The provider rejected the user, the password, the contract or the client. Correct the
   * credentials, then call tokenlease_client_unblock.
   */
  TOKENLEASE_CREDENTIALS_REJECTED = 2,
  /**
   * The provider rejects the token itself, or the client waits before it logs in again because of
   * rejected tokens.
   */
  TOKENLEASE_TOKEN_REJECTED = 3,
  /**
   * The provider asks to wait, or a limit that protects the account applies. Retry after
   * tokenlease_error_until_ms.
   */
  TOKENLEASE_THROTTLED = 4,
  /**
   * The provider cannot answer now. Retry later.
   */
  TOKENLEASE_UNAVAILABLE = 5,
  /**
   * The provider's response could not be parsed. Check the address and the server's version.
   */
  TOKENLEASE_INVALID_RESPONSE = 6,
  /**
   * No response arrived. Check the network, the proxy and the TLS settings.
   */
  TOKENLEASE_TRANSPORT = 7,
  /**
   * The deadline of the call passed.
   */
  TOKENLEASE_DEADLINE_EXCEEDED = 8,
  /**
   * The shared store failed. Check its address, its permissions and its key.
   */
  TOKENLEASE_STORE = 9,
  /**
   * The provider, or its configuration, does not support the call.
   */
  TOKENLEASE_UNSUPPORTED = 10,
  /**
   * The process was forked after the client was made. Make a new client in the child.
   */
  TOKENLEASE_FORKED = 11,
  /**
   * A bug in tokenlease. Please report it.
   */
  TOKENLEASE_INTERNAL = 12,
  /**
   * The provider accepted the revocation of a token, but calls it active afterwards. The token stays
   * in use. Use the client that received it.
   */
  TOKENLEASE_NOT_REVOKED = 13,
  /**
   * An argument was NULL, not valid UTF-8, or out of range. Correct the program.
   */
  TOKENLEASE_BAD_ARGUMENT = 100,
  /**
   * The buffer is too small for the text. The call wrote the length that it needs.
   */
  TOKENLEASE_BUFFER_TOO_SMALL = 101,
} tokenlease_status;

/**
 * How a token is presented to an API.
 */
typedef enum tokenlease_kind {
  /**
   * The result for NULL.
   */
  TOKENLEASE_KIND_NONE = 0,
  /**
   * In the field "Token" of the JSON body (WinKAS Air).
   */
  TOKENLEASE_KIND_WINKAS = 1,
  /**
   * In the header "Authorization: Bearer" (RFC 6750).
   */
  TOKENLEASE_KIND_BEARER = 2,
} tokenlease_kind;

/**
 * The result of a call of a machine, or the meaning of an exchange's answer.
 */
typedef enum tokenlease_result {
  /**
   * There is a token: the one to use, or the replacement of a rejected one.
   */
  TOKENLEASE_RESULT_TOKEN = 0,
  /**
   * The provider says that the reported token is active: do not repeat the API call.
   */
  TOKENLEASE_RESULT_STILL_ACTIVE = 1,
  /**
   * The provider calls the validated token active.
   */
  TOKENLEASE_RESULT_ACTIVE = 2,
  /**
   * The provider calls the validated token inactive.
   */
  TOKENLEASE_RESULT_INACTIVE = 3,
  /**
   * The token was active, was revoked, and the provider calls it inactive now.
   */
  TOKENLEASE_RESULT_REVOKED = 4,
  /**
   * The provider accepted the revocation, and nothing proves it.
   */
  TOKENLEASE_RESULT_REVOCATION_ACCEPTED = 5,
  /**
   * The token was forgotten, or the credentials unblocked.
   */
  TOKENLEASE_RESULT_DONE = 6,
} tokenlease_result;

/**
 * What an effect asks for. Later versions may add actions: pass an effect with an unknown one to
 * tokenlease_effect_perform.
 */
typedef enum tokenlease_action {
  /**
   * Nothing: the call is complete, or nothing is under way. Also the action of NULL.
   */
  TOKENLEASE_ACTION_DONE = 0,
  /**
   * Wait for tokenlease_effect_timeout_ms, or until another thread returned an outcome, and poll
   * again. tokenlease_effect_perform waits so.
   */
  TOKENLEASE_ACTION_WAIT = 1,
  /**
   * Send tokenlease_effect_request, once, and return the outcome with tokenlease_effect_answered,
   * tokenlease_effect_not_sent or tokenlease_effect_lost.
   */
  TOKENLEASE_ACTION_SEND = 2,
  /**
   * Read the record and the store's clock: tokenlease_effect_perform or tokenlease_effect_loaded.
   */
  TOKENLEASE_ACTION_LOAD = 3,
  /**
   * Take the record's lock, unless another owner has it: tokenlease_effect_perform or
   * tokenlease_effect_lock_result. The owner that has it already gets it again.
   */
  TOKENLEASE_ACTION_LOCK = 4,
  /**
   * Extend the lock, if this owner still has it: tokenlease_effect_perform or
   * tokenlease_effect_lock_result.
   */
  TOKENLEASE_ACTION_RENEW = 5,
  /**
   * Replace the record if its revision is still the expected one: tokenlease_effect_perform,
   * tokenlease_effect_saved or tokenlease_effect_conflict.
   */
  TOKENLEASE_ACTION_SAVE = 6,
  /**
   * Release the lock, if this owner has it: tokenlease_effect_perform or tokenlease_effect_unlocked.
   */
  TOKENLEASE_ACTION_UNLOCK = 7,
} tokenlease_action;

/**
 * The counters of a client. Calls that are answered from memory are not counted.
 */
typedef enum tokenlease_count {
  /**
   * Requests for a new token.
   */
  TOKENLEASE_COUNT_LOGINS = 0,
  /**
   * Requests for the running token.
   */
  TOKENLEASE_COUNT_REFETCHES = 1,
  /**
   * Requests that ask whether a token is active.
   */
  TOKENLEASE_COUNT_VALIDATIONS = 2,
  /**
   * Requests that revoke a token.
   */
  TOKENLEASE_COUNT_REVOCATIONS = 3,
  /**
   * Calls to the store.
   */
  TOKENLEASE_COUNT_STORE_CALLS = 4,
  /**
   * Calls that could not be answered from memory.
   */
  TOKENLEASE_COUNT_CACHE_MISSES = 5,
  /**
   * Calls that returned an error.
   */
  TOKENLEASE_COUNT_ERRORS = 6,
} tokenlease_count;

/**
 * What a call of a machine does: the same as the function of a client that is named.
 */
typedef enum tokenlease_call_kind {
  /**
   * tokenlease_client_token.
   */
  TOKENLEASE_CALL_TOKEN = 0,
  /**
   * tokenlease_client_report_rejected, of the token that is passed.
   */
  TOKENLEASE_CALL_REPORT_REJECTED = 1,
  /**
   * tokenlease_client_validate, of the token that is passed.
   */
  TOKENLEASE_CALL_VALIDATE = 2,
  /**
   * tokenlease_client_refetch.
   */
  TOKENLEASE_CALL_REFETCH = 3,
  /**
   * tokenlease_client_revoke, of the token that is passed.
   */
  TOKENLEASE_CALL_REVOKE = 4,
  /**
   * tokenlease_client_forget.
   */
  TOKENLEASE_CALL_FORGET = 5,
  /**
   * tokenlease_client_unblock.
   */
  TOKENLEASE_CALL_UNBLOCK = 6,
} tokenlease_call_kind;

/**
 * What an exchange asks the provider for.
 */
typedef enum tokenlease_exchange_kind {
  /**
   * A new token.
   */
  TOKENLEASE_EXCHANGE_LOGIN = 0,
  /**
   * The running token (winkas).
   */
  TOKENLEASE_EXCHANGE_REFETCH = 1,
  /**
   * Whether the token that is passed is active.
   */
  TOKENLEASE_EXCHANGE_VALIDATE = 2,
  /**
   * The revocation of the token that is passed.
   */
  TOKENLEASE_EXCHANGE_REVOKE = 3,
} tokenlease_exchange_kind;

/**
 * Why a host's own store failed.
 */
typedef enum tokenlease_store_failure {
  /**
   * The store is unreachable or failing: the option "on_store_outage" applies.
   */
  TOKENLEASE_STORE_UNAVAILABLE = 0,
  /**
   * The store answers and rejects the call: a wrong password, a missing permission, a full disk. No
   * login is sent while that is so.
   */
  TOKENLEASE_STORE_REJECTED = 1,
  /**
   * The record exists and cannot be trusted, because it does not authenticate. No login is sent
   * while that is so. Only for LOAD and SAVE.
   */
  TOKENLEASE_STORE_UNREADABLE = 2,
} tokenlease_store_failure;

/**
 * Gets, caches and shares the token of one identity. Thread-safe: concurrent callers share one
 * request to the provider.
 */
typedef struct tokenlease_client tokenlease_client;

/**
 * Options and secrets for clients, or the options of a registry. Only one thread at a time may use
 * it. Clients and registries do not change when the config they were made from is changed or
 * freed.
 */
typedef struct tokenlease_config tokenlease_config;

/**
 * The argument that a function that fetches credentials fills in. It is borrowed: it is valid
 * until the function returns, and the function must not free it.
 */
typedef struct tokenlease_credentials tokenlease_credentials;

/**
 * Something that the host of a machine must do. Only one thread at a time may use it. Its pointers are
 * valid until it is freed with tokenlease_effect_free. An effect that is freed without an outcome
 * counts as failed when its time is over.
 */
typedef struct tokenlease_effect tokenlease_effect;

/**
 * The details of a failed call. It contains no secret, so it may be logged. It is immutable:
 * threads may read it concurrently. The caller frees it with tokenlease_error_free.
 */
typedef struct tokenlease_error tokenlease_error;

/**
 * One request to the provider, and the meaning of its answer: request bytes out, answer bytes in. It
 * has no token, no store and no state, so nothing bounds the logins of a host that uses it: prefer a
 * tokenlease_client or a tokenlease_machine. Threads may read it concurrently.
 */
typedef struct tokenlease_exchange tokenlease_exchange;

/**
 * A client that sends nothing itself, for hosts that must use their own HTTP library: it decides what
 * to do, with the same store and the same promises as a tokenlease_client, and the host does it. The
 * loop of a host, with one call:
 *
 *     tokenlease_machine_begin(machine, TOKENLEASE_CALL_TOKEN, NULL, NULL, &call, &error);
 *     do {
 *         tokenlease_machine_poll(machine, call, &effect, &error);
 *         action = tokenlease_effect_action(effect);
 *         if (action == TOKENLEASE_ACTION_SEND) {
 *             ... send tokenlease_effect_request(effect), fill in answer ...
 *             tokenlease_effect_answered(effect, &answer, &error);
 *         } else {
 *             tokenlease_effect_perform(effect, &error);  the library's store, and waiting
 *         }
 *         tokenlease_effect_free(effect);
 *     } while (action != TOKENLEASE_ACTION_DONE);
 *     tokenlease_machine_call_result(call, &result, &token, &error);
 *
 * Thread-safe: several threads may run this loop with a machine, each with its own call. docs/hosted.md
 * describes it. The options of HTTP (proxy, certificates) do not apply to it, and the option
 * "max_concurrent_logins" neither: the host's threads are that bound.
 */
typedef struct tokenlease_machine tokenlease_machine;

/**
 * A call of a machine. Any number may be open at once. Free it with tokenlease_machine_call_free.
 */
typedef struct tokenlease_machine_call tokenlease_machine_call;

/**
 * The store, the trusted certificates and the HTTP settings that several clients share.
 * Thread-safe.
 */
typedef struct tokenlease_registry tokenlease_registry;

/**
 * A request that the host program sends with its own HTTP library, once. The body, the URL and the
 * headers may contain secrets: do not log them. It belongs to the effect or the exchange that it was
 * read from, and all its pointers are valid until that handle is freed, which overwrites them.
 *
 * Send it with the timeout of its effect, without redirects, cookies, a cache, or repeated attempts.
 * Add the headers that your HTTP library adds itself, such as Host and Content-Length.
 */
typedef struct tokenlease_request tokenlease_request;

/**
 * A token. It is immutable: threads may read it concurrently. The caller frees it with
 * tokenlease_token_free, which overwrites its text.
 */
typedef struct tokenlease_token tokenlease_token;

/**
 * A function that fetches credentials: see tokenlease_config_set_credentials_function.
 */
typedef int32_t (TOKENLEASE_CALL *tokenlease_credentials_function)(void *user,
    tokenlease_credentials *credentials);

/**
 * A function that frees what a user pointer points to. The library calls it once, on any thread.
 */
typedef void (TOKENLEASE_CALL *tokenlease_drop_function)(void *user);

/**
 * Options of one call for a token. Begin with TOKENLEASE_TOKEN_OPTIONS_INIT, then set fields. In a
 * language without this macro, set size to the size of the struct, and each time to
 * TOKENLEASE_NONE or a value. Later versions add fields at the end.
 */
typedef struct tokenlease_token_options {
  /**
   * The size of the struct in bytes.
   */
  size_t size;
  /**
   * The deadline in milliseconds from now. TOKENLEASE_NONE: the option "deadline" of the config.
   */
  int64_t deadline_ms;
  /**
   * The minimum remaining lifetime in milliseconds, clamped to half of the token's lifetime. For
   * winkas, whose tokens have no stated expiry, it causes a validation and never a login.
   */
  int64_t min_remaining_ms;
} tokenlease_token_options;

/**
 * Options of a machine. Begin with TOKENLEASE_MACHINE_OPTIONS_INIT, then set fields. In a language
 * without this macro, set size to the size of the struct, and each time to TOKENLEASE_NONE or a value.
 * Later versions add fields at the end.
 */
typedef struct tokenlease_machine_options {
  /**
   * The size of the struct in bytes.
   */
  size_t size;
  /**
   * The host's monotonic clock, in milliseconds since any moment. TOKENLEASE_NONE: the machine reads
   * the system's clocks. A host that sets both clocks moves them by tokenlease_machine_set_now, so a
   * test needs no time to pass.
   */
  int64_t elapsed_ms;
  /**
   * The host's wall clock, in milliseconds since 1970-01-01T00:00:00Z. TOKENLEASE_NONE if elapsed_ms
   * is.
   */
  int64_t wall_ms;
} tokenlease_machine_options;

/**
 * The answer to a request. Begin with TOKENLEASE_ANSWER_INIT, then set fields. In a language without
 * this macro, set size to the size of the struct, and the other fields to 0. Later versions add fields
 * at the end. The library copies what it needs.
 */
typedef struct tokenlease_answer {
  /**
   * The size of the struct in bytes.
   */
  size_t size;
  /**
   * The HTTP status, from 100 to 999.
   */
  int32_t status;
  /**
   * The lines of the head as the server sent them, "Name: value", with any line ends. A line such
   * as "HTTP/1.1 200 OK" begins a head, and the last of several heads counts. May be NULL, but then
   * no Retry-After is obeyed.
   */
  const char *headers;
  /**
   * The length of headers in bytes.
   */
  size_t headers_length;
  /**
   * The bytes of the body, as they arrived. Those of gzip and deflate are decompressed. NULL if
   * there is none.
   */
  const void *body;
  /**
   * The length of the body in bytes. Bytes after the first MiB make the answer unusable.
   */
  size_t body_length;
  /**
   * NULL if the body is complete. If it broke off, a NUL-terminated text that says how: what arrived
   * is used if it is a whole JSON object.
   */
  const char *broke_off;
} tokenlease_answer;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the version of the loaded library, such as "0.1.0". Compare it with TOKENLEASE_VERSION,
 * the version of this header. The string is static.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL tokenlease_version(void);

/**
 * Returns the version of the loaded library as a number that grows with it: 2003004 is 2.3.4.
 * Compare it with TOKENLEASE_VERSION_NUMBER, the version of this header.
 */
TOKENLEASE_API int32_t TOKENLEASE_CALL tokenlease_version_number(void);

/**
 * Returns the name of a status in snake case, such as "credentials_rejected"; "unknown" for an
 * unknown number. The string is static.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL tokenlease_status_name(int32_t status);

/**
 * Returns the status that the failed call returned. TOKENLEASE_OK for NULL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_error_status(const tokenlease_error *error);

/**
 * Returns the whole message: what was wrong, what was expected, what to do. The string is valid
 * until the error is freed. NULL for NULL.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL tokenlease_error_message(const tokenlease_error *error);

/**
 * Returns only what was wrong. The string is valid until the error is freed. NULL for NULL.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL tokenlease_error_detail(const tokenlease_error *error);

/**
 * Returns the provider's error code: "error" of RFC 6749 section 5.2, or "WinkasErrorCode". The
 * string is valid until the error is freed. NULL if the provider gave no code, and for NULL.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL tokenlease_error_code(const tokenlease_error *error);

/**
 * Returns the HTTP status of the provider's response. 0 if no response was read, and for NULL.
 */
TOKENLEASE_API int32_t TOKENLEASE_CALL tokenlease_error_http_status(const tokenlease_error *error);

/**
 * Returns whether the same call may succeed later without a change. false for NULL.
 */
TOKENLEASE_API bool TOKENLEASE_CALL tokenlease_error_is_retryable(const tokenlease_error *error);

/**
 * Returns the wait that the provider asked for in Retry-After (RFC 9110 section 10.2.3), in
 * milliseconds. TOKENLEASE_NONE if it asked for none, and for NULL.
 */
TOKENLEASE_API int64_t TOKENLEASE_CALL
tokenlease_error_retry_after_ms(const tokenlease_error *error);

/**
 * Returns the time before which a retry fails with the same error, in milliseconds since
 * 1970-01-01T00:00:00Z. TOKENLEASE_NONE if it is not known, and for NULL.
 */
TOKENLEASE_API int64_t TOKENLEASE_CALL tokenlease_error_until_ms(const tokenlease_error *error);

/**
 * Frees an error. Freeing NULL is a no-op.
 */
TOKENLEASE_API void TOKENLEASE_CALL tokenlease_error_free(tokenlease_error *error);

/**
 * Makes an empty config. Free it with tokenlease_config_free.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_config_new(tokenlease_config **config, tokenlease_error **error);

/**
 * Sets an option by name: "provider", "server", "user", "store" and so on. The names are those of
 * the program's profiles; "tokenlease help token" lists them. Durations have a unit: "90s", "15m",
 * "8h". Each call with "extra" or "extra_secret_file" adds a field: "audience=https://api.example".
 * Set the options of a registry on the registry's config only, not on those of its clients.
 *
 * Errors: TOKENLEASE_CONFIG for an unknown name or an invalid value.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_config_set(tokenlease_config *config, const char *name, size_t name_length,
    const char *value, size_t value_length, tokenlease_error **error);

/**
 * Sets the user's password. The text is copied.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_config_set_password(tokenlease_config *config, const char *password,
    size_t password_length, tokenlease_error **error);

/**
 * Sets the client secret (wyn, oauth2). The text is copied.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_config_set_client_secret(tokenlease_config *config, const char *client_secret,
    size_t client_secret_length, tokenlease_error **error);

/**
 * Adds an extra field of the token request whose value is secret (wyn, oauth2). The texts are
 * copied. Fields whose values are not secret are set by the option "extra".
 *
 * Errors: a client is not made if the name is empty or one that the library sends itself.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_config_add_extra_secret(tokenlease_config *config, const char *name, size_t name_length,
    const char *value, size_t value_length, tokenlease_error **error);

/**
 * Sets a function that fetches the credentials, for example from a vault or from the host program.
 * It replaces fixed credentials and those that options name.
 *
 * The library calls it before a client's first read of the store and before each request that
 * sends credentials, and never while a cached token can be returned. It runs on a thread of the
 * library, and on several threads at once if several clients are made from the config. It fills in
 * its argument and returns 0. Any other result fails the call that needs the credentials with
 * TOKENLEASE_CONFIG. It must return, must not throw, and must not call the client that needs the
 * credentials.
 *
 * Ownership: if this call succeeds, the library owns user. It calls drop(user) once, on any
 * thread, after the config and all clients made from it were freed or got other credentials, and
 * no call is in progress. drop may be NULL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_config_set_credentials_function(tokenlease_config *config,
    tokenlease_credentials_function function, void *user, tokenlease_drop_function drop,
    tokenlease_error **error);

/**
 * Frees a config. Freeing NULL is a no-op.
 */
TOKENLEASE_API void TOKENLEASE_CALL tokenlease_config_free(tokenlease_config *config);

/**
 * Fills in the user's password. The text is copied.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_credentials_set_password(tokenlease_credentials *credentials, const char *password,
    size_t password_length, tokenlease_error **error);

/**
 * Fills in the client secret (wyn, oauth2). The text is copied.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_credentials_set_client_secret(tokenlease_credentials *credentials,
    const char *client_secret, size_t client_secret_length, tokenlease_error **error);

/**
 * Adds an extra field of the token request whose value is secret (wyn, oauth2). The texts are
 * copied.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_credentials_add_extra_secret(tokenlease_credentials *credentials, const char *name,
    size_t name_length, const char *value, size_t value_length, tokenlease_error **error);

/**
 * Makes a registry from the options "store", "store_password_file", "store_password_command",
 * "store_access", "store_key", "store_key_file", "store_passphrase_file", "proxy", "proxy_password_file",
 * "no_proxy", "client_cert", "client_key", "ca", "allow_plain_http", "timeout" and
 * "max_concurrent_logins" of a config, and opens its store. Free the registry with
 * tokenlease_registry_free.
 *
 * Errors: TOKENLEASE_CONFIG, TOKENLEASE_STORE.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_registry_new(const tokenlease_config *config, tokenlease_registry **registry,
    tokenlease_error **error);

/**
 * Frees a registry. Its clients keep what they need of it. Freeing NULL is a no-op.
 */
TOKENLEASE_API void TOKENLEASE_CALL tokenlease_registry_free(tokenlease_registry *registry);

/**
 * Returns the token's text. It is a secret: do not log it. The string is valid until the token is
 * freed. NULL for NULL.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL tokenlease_token_text(const tokenlease_token *token);

/**
 * Returns the length of the text in bytes, without the terminating NUL. 0 for NULL.
 */
TOKENLEASE_API size_t TOKENLEASE_CALL tokenlease_token_length(const tokenlease_token *token);

/**
 * Returns how the token is presented to an API. TOKENLEASE_KIND_NONE for NULL.
 */
TOKENLEASE_API tokenlease_kind TOKENLEASE_CALL tokenlease_token_kind(const tokenlease_token *token);

/**
 * Overwrites the text of a token and frees it. It does not revoke the token. Freeing NULL is a
 * no-op.
 */
TOKENLEASE_API void TOKENLEASE_CALL tokenlease_token_free(tokenlease_token *token);

/**
 * Makes a client from a config, in a registry. If registry is NULL, the config's own registry
 * options apply; without any, the client shares the memory store of the process. The call sends
 * nothing. Free the client with tokenlease_client_free.
 *
 * Errors: TOKENLEASE_CONFIG if options are missing, belong to another provider or contradict each
 * other; TOKENLEASE_STORE.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_new(const tokenlease_config *config, const tokenlease_registry *registry,
    tokenlease_client **client, tokenlease_error **error);

/**
 * Replaces the client's credentials with those of a config, and ignores the config's other
 * options. Later calls get only tokens that were obtained with the new credentials.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_set_credentials(const tokenlease_client *client, const tokenlease_config *config,
    tokenlease_error **error);

/**
 * Waits until the client has no work in progress, so that a program that ends leaves no unfinished
 * login and no lock behind. It revokes no token, and the client remains usable.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_close(const tokenlease_client *client, tokenlease_error **error);

/**
 * Frees a client. It does not wait for work in progress (see tokenlease_client_close) and revokes
 * no token. Freeing NULL is a no-op.
 */
TOKENLEASE_API void TOKENLEASE_CALL tokenlease_client_free(tokenlease_client *client);

/**
 * Gets the token to use now: from memory while it is fresh, otherwise from the store, a refetch or
 * a login. One login serves all callers for the token's lifetime. options may be NULL: then the
 * config's options apply. Free the token with tokenlease_token_free.
 *
 * Errors: all except TOKENLEASE_BUFFER_TOO_SMALL. TOKENLEASE_DEADLINE_EXCEEDED if no token was
 * available within the option "deadline" (default: 30 seconds).
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_token(const tokenlease_client *client, const tokenlease_token_options *options,
    tokenlease_token **token, tokenlease_error **error);

/**
 * Copies the text of the token to use now, and a NUL, into a buffer of capacity bytes. This is the
 * fastest call: without options it neither allocates nor locks while the token is cached. length
 * receives the length of the text without the NUL, also with TOKENLEASE_BUFFER_TOO_SMALL: the buffer
 * must hold at least length + 1 bytes. The buffer may be NULL if capacity is 0. options may be NULL.
 *
 * Errors: those of tokenlease_client_token, and TOKENLEASE_BUFFER_TOO_SMALL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_copy_token(const tokenlease_client *client,
    const tokenlease_token_options *options, char *buffer, size_t capacity, size_t *length,
    tokenlease_error **error);

/**
 * Makes a token from text that was copied before or came from elsewhere, for the calls that take a
 * token. It sends nothing. Free the token with tokenlease_token_free.
 *
 * Errors: TOKENLEASE_CONFIG for text that cannot be a token.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_token_from_text(const tokenlease_client *client, const char *token_text,
    size_t token_text_length, tokenlease_token **token, tokenlease_error **error);

/**
 * Reports that an API rejected this token. The client checks the report with the provider before
 * it acts on it. A thousand concurrent reports of one token cause one check and at most one new
 * token.
 *
 * replacement is NULL if the provider says that the token is active: the API rejected the call for
 * another reason, such as a missing permission, so do not repeat it. Otherwise replacement is the
 * token in use now: repeat the call once with it, and free it with tokenlease_token_free.
 *
 * Errors: those of tokenlease_client_token.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_report_rejected(const tokenlease_client *client, const tokenlease_token *token,
    tokenlease_token **replacement, tokenlease_error **error);

/**
 * Asks the provider whether a token is active. It may be any token, not only this client's.
 *
 * Errors: those of tokenlease_client_token; TOKENLEASE_UNSUPPORTED if the provider has no such
 * endpoint.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_validate(const tokenlease_client *client, const tokenlease_token *token,
    bool *active, tokenlease_error **error);

/**
 * Asks the provider for the running token (winkas), regardless of memory and store. Free it with
 * tokenlease_token_free.
 *
 * Errors: those of tokenlease_client_token; TOKENLEASE_UNSUPPORTED if the provider has no such
 * endpoint.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_refetch(const tokenlease_client *client, tokenlease_token **token,
    tokenlease_error **error);

/**
 * Revokes a token at the provider, for every process that shares it. proven is true if the token
 * was active before, and the provider then called it inactive. It is false if the provider accepted
 * the revocation, and nothing proves it.
 *
 * Errors: TOKENLEASE_NOT_REVOKED if the provider calls the token active afterwards;
 * TOKENLEASE_UNSUPPORTED for winkas, which has no revocation: see tokenlease_client_forget. If the
 * provider refuses the revocation, for example because of a wrong client secret, the token stays in
 * use. If the response is lost, the client stops using the token, which may be active.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_revoke(const tokenlease_client *client, const tokenlease_token *token,
    bool *proven, tokenlease_error **error);

/**
 * Drops this client's token from memory and from the store, without revoking it at the provider.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_forget(const tokenlease_client *client, tokenlease_error **error);

/**
 * Allows credentials to be sent again after the provider rejected them: call it after you
 * corrected the credentials or the account was unlocked. The next call for a token then logs in
 * once.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_unblock(const tokenlease_client *client, tokenlease_error **error);

/**
 * Gives the client a token that was obtained elsewhere and expires in lifetime_ms milliseconds
 * (TOKENLEASE_NONE: the expiry is not known). The client uses it. Other clients with the same
 * credentials use it only if the provider had accepted those credentials before. The token is copied.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_adopt(const tokenlease_client *client, const tokenlease_token *token,
    int64_t lifetime_ms, tokenlease_error **error);

/**
 * Describes the current token in words, without the secret: its state and the source it came from.
 * Writes into a buffer like tokenlease_client_copy_token.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_explain(const tokenlease_client *client, char *buffer, size_t capacity,
    size_t *length, tokenlease_error **error);

/**
 * Writes the last 32 logins, refetches and rejections of the identity as JSON into a buffer like
 * tokenlease_client_copy_token: times, causes, hosts and processes, without a secret. It answers why a
 * login was sent. docs/json.md describes the fields. Reads the store, and sends no request to the
 * provider. A history has less than 16 KB.
 *
 * Errors: TOKENLEASE_STORE, TOKENLEASE_DEADLINE_EXCEEDED, TOKENLEASE_CONFIG,
 * TOKENLEASE_BUFFER_TOO_SMALL, TOKENLEASE_FORKED and TOKENLEASE_INTERNAL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_history(const tokenlease_client *client, char *buffer, size_t capacity,
    size_t *length, tokenlease_error **error);

/**
 * Gets how often a client has done something since it was made. counter is a tokenlease_count.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_count(const tokenlease_client *client, int32_t counter, uint64_t *count,
    tokenlease_error **error);

/**
 * Makes a machine from a config, in a registry, like tokenlease_client_new. options may be NULL. The
 * credentials are read now, also from files and functions, and never again: to change them, make
 * another machine. Free the machine with tokenlease_machine_free.
 *
 * Errors: those of tokenlease_client_new.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_machine_new(const tokenlease_config *config, const tokenlease_registry *registry,
    const tokenlease_machine_options *options, tokenlease_machine **machine,
    tokenlease_error **error);

/**
 * Moves the clocks of a machine that was made with the host's own: the monotonic one, and the wall
 * clock in milliseconds since 1970-01-01T00:00:00Z.
 *
 * Errors: TOKENLEASE_CONFIG if the machine reads the system's clocks.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_machine_set_now(const tokenlease_machine *machine, int64_t elapsed_ms, int64_t wall_ms,
    tokenlease_error **error);

/**
 * Returns the next thing that the host must do, as an effect to free with tokenlease_effect_free.
 * tokenlease_effect_action says what.
 *
 * With a call, the machine is done when that call is complete and nothing is to be done now. call may
 * be NULL: then it is done when no call is open and nothing is under way. Effects are those of all
 * calls of the machine. A host may take a result as soon as the call is complete, but a host that then
 * never polls again may leave a lock behind: poll until the action is TOKENLEASE_ACTION_DONE.
 *
 * Errors: TOKENLEASE_BAD_ARGUMENT for a call of another machine; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_machine_poll(const tokenlease_machine *machine, const tokenlease_machine_call *call,
    tokenlease_effect **effect, tokenlease_error **error);

/**
 * Gives the machine a token that was obtained elsewhere, like tokenlease_client_adopt.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_machine_adopt(const tokenlease_machine *machine, const tokenlease_token *token,
    int64_t lifetime_ms, tokenlease_error **error);

/**
 * Makes a token from text that was copied before or came from elsewhere. It sends nothing. Free the
 * token with tokenlease_token_free.
 *
 * Errors: TOKENLEASE_CONFIG for text that cannot be a token.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_machine_token_from_text(const tokenlease_machine *machine, const char *token_text,
    size_t token_text_length, tokenlease_token **token, tokenlease_error **error);

/**
 * Describes the current token in words, without the secret. Writes into a buffer like
 * tokenlease_client_copy_token.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_machine_explain(const tokenlease_machine *machine, char *buffer, size_t capacity,
    size_t *length, tokenlease_error **error);

/**
 * Frees a machine. Its calls and effects keep what they need of it. Freeing NULL is a no-op.
 */
TOKENLEASE_API void TOKENLEASE_CALL tokenlease_machine_free(tokenlease_machine *machine);

/**
 * Begins a call. kind is a tokenlease_call_kind. token is required for the kinds that are about one,
 * and NULL for the others; it is copied. options may be NULL; its minimum remaining lifetime is only
 * for TOKENLEASE_CALL_TOKEN. Poll the machine until the call is complete, then read its result. Free
 * the call with tokenlease_machine_call_free.
 *
 * Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_machine_begin(const tokenlease_machine *machine, int32_t kind,
    const tokenlease_token *token, const tokenlease_token_options *options,
    tokenlease_machine_call **call, tokenlease_error **error);

/**
 * Returns whether the result of a call can be read. false for NULL, and after a fork.
 */
TOKENLEASE_API bool TOKENLEASE_CALL
tokenlease_machine_call_is_complete(const tokenlease_machine_call *call);

/**
 * Reads the result of a call, once. token receives the token if the result is
 * TOKENLEASE_RESULT_TOKEN, to be freed with tokenlease_token_free, and NULL otherwise.
 *
 * Errors: those of the client's function. TOKENLEASE_BAD_ARGUMENT if the call is not complete, or its
 * result was read before.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_machine_call_result(const tokenlease_machine_call *call, tokenlease_result *result,
    tokenlease_token **token, tokenlease_error **error);

/**
 * Ends a call and frees it. A request that was sent is completed, and its answer counts for other
 * calls. Freeing NULL is a no-op.
 */
TOKENLEASE_API void TOKENLEASE_CALL tokenlease_machine_call_free(tokenlease_machine_call *call);

/**
 * Returns what an effect asks for. TOKENLEASE_ACTION_DONE for NULL.
 */
TOKENLEASE_API tokenlease_action TOKENLEASE_CALL
tokenlease_effect_action(const tokenlease_effect *effect);

/**
 * Returns the time that is left for an effect, in milliseconds from now: the timeout of a request or of
 * a store call, or how long to wait. A later outcome is still used if it is of use. TOKENLEASE_NONE if
 * the effect has its outcome or asks for nothing, for NULL, and after a fork.
 */
TOKENLEASE_API int64_t TOKENLEASE_CALL
tokenlease_effect_timeout_ms(const tokenlease_effect *effect);

/**
 * Returns the request to send. NULL for an effect with another action, and for NULL.
 */
TOKENLEASE_API const tokenlease_request * TOKENLEASE_CALL
tokenlease_effect_request(const tokenlease_effect *effect);

/**
 * Returns the name of the record in stores: 64 hexadecimal digits. NULL for an effect that is not about
 * a store, and for NULL.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL
tokenlease_effect_record_name(const tokenlease_effect *effect);

/**
 * Returns the name of the lock's owner: ASCII without spaces, at most 100 characters. NULL for an
 * effect that is not about a lock, and for NULL.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL
tokenlease_effect_lock_owner(const tokenlease_effect *effect);

/**
 * Returns how long the lock is to live from when it is granted, in milliseconds of the store's clock.
 * TOKENLEASE_NONE for an effect with another action than LOCK and RENEW, after its outcome, and for NULL.
 */
TOKENLEASE_API int64_t TOKENLEASE_CALL
tokenlease_effect_lock_ttl_ms(const tokenlease_effect *effect);

/**
 * Returns the revision that the stored record must have to be replaced. TOKENLEASE_NONE if no record
 * may be stored, for an effect with another action than SAVE, after its outcome, and for NULL.
 */
TOKENLEASE_API int64_t TOKENLEASE_CALL
tokenlease_effect_expected_revision(const tokenlease_effect *effect);

/**
 * Returns the bytes of the record to write. They contain the token: encrypt them, and authenticate the
 * record's name with them. They are valid until the effect has its outcome. NULL for an effect with
 * another action than SAVE, after its outcome, and for NULL.
 */
TOKENLEASE_API const void * TOKENLEASE_CALL
tokenlease_effect_record(const tokenlease_effect *effect);

/**
 * Returns the length of the record to write in bytes. 0 where tokenlease_effect_record returns NULL.
 */
TOKENLEASE_API size_t TOKENLEASE_CALL
tokenlease_effect_record_length(const tokenlease_effect *effect);

/**
 * Returns how long the record to write is of use, in milliseconds: the store may drop it then.
 * TOKENLEASE_NONE if it must be kept, for an effect with another action than SAVE, after its outcome, and
 * for NULL.
 */
TOKENLEASE_API int64_t TOKENLEASE_CALL tokenlease_effect_keep_ms(const tokenlease_effect *effect);

/**
 * Overwrites the secrets of an effect and frees it. Freeing NULL is a no-op.
 */
TOKENLEASE_API void TOKENLEASE_CALL tokenlease_effect_free(tokenlease_effect *effect);

/**
 * Returns the method, "GET" or "POST". NULL for NULL.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL
tokenlease_request_method(const tokenlease_request *request);

/**
 * Returns the URL. That of a validation at winkas contains the token. NULL for NULL.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL
tokenlease_request_url(const tokenlease_request *request);

/**
 * Returns the number of headers. 0 for NULL.
 */
TOKENLEASE_API size_t TOKENLEASE_CALL
tokenlease_request_header_count(const tokenlease_request *request);

/**
 * Returns the name of a header, counted from 0. NULL if there is none, and for NULL.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL
tokenlease_request_header_name(const tokenlease_request *request, size_t index);

/**
 * Returns the value of a header, counted from 0. NULL if there is none, and for NULL.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL
tokenlease_request_header_value(const tokenlease_request *request, size_t index);

/**
 * Returns the bytes of the body. They are not NUL-terminated. NULL if the body is empty, and for NULL.
 */
TOKENLEASE_API const void * TOKENLEASE_CALL
tokenlease_request_body(const tokenlease_request *request);

/**
 * Returns the length of the body in bytes. 0 for NULL.
 */
TOKENLEASE_API size_t TOKENLEASE_CALL
tokenlease_request_body_length(const tokenlease_request *request);

/**
 * Returns the server's answer to a request. Every status is an answer, also 401, 407 and 503.
 *
 * Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL. What the answer says is no
 * error of this call: the machine learns of it.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_effect_answered(tokenlease_effect *effect, const tokenlease_answer *answer,
    tokenlease_error **error);

/**
 * Says that the request cannot have reached the server: there was no connection, or no byte of it was
 * written. Sending it again costs no second login. The message appears in errors; secrets of the
 * request that it quotes are redacted.
 *
 * Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_effect_not_sent(tokenlease_effect *effect, const char *message, size_t message_length,
    tokenlease_error **error);

/**
 * Says that the request may have reached the server, and no answer came: a timeout, or a connection
 * that ended. The login may have been made, so the machine backs off before it sends another one. If
 * in doubt, use this instead of tokenlease_effect_not_sent. The message appears in errors; secrets of
 * the request that it quotes are redacted.
 *
 * Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_effect_lost(tokenlease_effect *effect, const char *message, size_t message_length,
    tokenlease_error **error);

/**
 * Does what an effect asks for, unless it is a request: the library calls the store of the machine's
 * config or registry, or waits, and returns the outcome to the machine. A wait takes 30 seconds at
 * most, and ends when another thread returns an outcome or begins a call. For TOKENLEASE_ACTION_DONE
 * it does nothing. A store that fails is no error of this call: the machine learns of it.
 *
 * Errors: TOKENLEASE_BAD_ARGUMENT for a request, and for an effect that has its outcome.
 * TOKENLEASE_CONFIG for a wait if the host passes its own clocks: then only the host can wait.
 * TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_effect_perform(tokenlease_effect *effect, tokenlease_error **error);

/**
 * Returns the record that a host's own store has: its revision and bytes, and the store's clock in
 * milliseconds, read with it. All processes that share the store must see the same clock. Pass
 * TOKENLEASE_NONE as the revision if there is no record; record is then ignored.
 *
 * Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_effect_loaded(tokenlease_effect *effect, int64_t revision, const void *record,
    size_t record_length, int64_t store_ms, tokenlease_error **error);

/**
 * Says whether the owner has the lock now. For LOCK and RENEW.
 *
 * Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_effect_lock_result(tokenlease_effect *effect, bool granted, tokenlease_error **error);

/**
 * Says that the record was replaced: its new revision, which must never be used again for this name,
 * and the store's clock in milliseconds.
 *
 * Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_effect_saved(tokenlease_effect *effect, int64_t revision, int64_t store_ms,
    tokenlease_error **error);

/**
 * Says that the record has another revision than the expected one, so nothing was written. The other
 * arguments are those of tokenlease_effect_loaded.
 *
 * Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_effect_conflict(tokenlease_effect *effect, int64_t revision, const void *record,
    size_t record_length, int64_t store_ms, tokenlease_error **error);

/**
 * Says that this owner does not have the lock any more.
 *
 * Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_effect_unlocked(tokenlease_effect *effect, tokenlease_error **error);

/**
 * Says that a host's own store failed. failure is a tokenlease_store_failure. The message appears in
 * errors.
 *
 * Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_effect_store_failed(tokenlease_effect *effect, int32_t failure, const char *message,
    size_t message_length, tokenlease_error **error);

/**
 * Makes an exchange from a config, in a registry, like tokenlease_client_new. kind is a
 * tokenlease_exchange_kind. token is required for the kinds that are about one, and NULL for the others;
 * it is copied. It sends nothing, and reads no discovery document: set "token_path" for oauth2. Free it
 * with tokenlease_exchange_free.
 *
 * Errors: those of tokenlease_client_new; TOKENLEASE_UNSUPPORTED if the provider has no such endpoint.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_exchange_new(const tokenlease_config *config, const tokenlease_registry *registry,
    int32_t kind, const tokenlease_token *token, tokenlease_exchange **exchange,
    tokenlease_error **error);

/**
 * Returns the request to send. NULL for NULL.
 */
TOKENLEASE_API const tokenlease_request * TOKENLEASE_CALL
tokenlease_exchange_request(const tokenlease_exchange *exchange);

/**
 * Reads the answer. result is TOKENLEASE_RESULT_TOKEN, ACTIVE, INACTIVE or REVOCATION_ACCEPTED. token
 * receives a token, to be freed with tokenlease_token_free, or NULL; lifetime_ms its lifetime from when
 * the request was sent, or TOKENLEASE_NONE if the provider states none.
 *
 * Errors: what the provider answered, such as TOKENLEASE_CREDENTIALS_REJECTED, TOKENLEASE_THROTTLED and
 * TOKENLEASE_INVALID_RESPONSE. TOKENLEASE_TOKEN_REJECTED if there is no token to refetch.
 * TOKENLEASE_TRANSPORT if the answer broke off. TOKENLEASE_BAD_ARGUMENT.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_exchange_read(const tokenlease_exchange *exchange, const tokenlease_answer *answer,
    tokenlease_result *result, tokenlease_token **token, int64_t *lifetime_ms,
    tokenlease_error **error);

/**
 * Overwrites the secrets of an exchange and frees it. Freeing NULL is a no-op.
 */
TOKENLEASE_API void TOKENLEASE_CALL tokenlease_exchange_free(tokenlease_exchange *exchange);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TOKENLEASE_H */
