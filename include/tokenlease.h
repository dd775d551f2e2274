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
 * Callbacks run on threads of the library, but that of tokenlease_client_call on the calling thread.
 * They must return, and must not throw.
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
  /**
   * The function of tokenlease_client_call returned a number other than 0.
   */
  TOKENLEASE_CALL_FAILED = 102,
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
 * How a token's expiry is known. Later versions may add numbers.
 */
typedef enum tokenlease_expiry {
  /**
   * Nothing is known of the token, or the result for NULL.
   */
  TOKENLEASE_EXPIRY_NONE = 0,
  /**
   * The provider stated it.
   */
  TOKENLEASE_EXPIRY_STATED = 1,
  /**
   * The option "max_lifetime" ends it before the provider does.
   */
  TOKENLEASE_EXPIRY_CAPPED = 2,
  /**
   * The agreed lifetime (winkas): from then on the token is validated before it is returned.
   */
  TOKENLEASE_EXPIRY_ASSUMED = 3,
  /**
   * Like TOKENLEASE_EXPIRY_ASSUMED, but learned from earlier tokens.
   */
  TOKENLEASE_EXPIRY_LEARNED = 4,
  /**
   * A refetch returned the token, and its login is not known.
   */
  TOKENLEASE_EXPIRY_UNKNOWN = 5,
  /**
   * The provider states none, and no rule gives one.
   */
  TOKENLEASE_EXPIRY_UNSTATED = 6,
  /**
   * The provider stated a lifetime of zero or less.
   */
  TOKENLEASE_EXPIRY_EXPIRED_ON_ARRIVAL = 7,
} tokenlease_expiry;

/**
 * Where this process got a token. Later versions may add numbers.
 */
typedef enum tokenlease_source {
  /**
   * Nothing is known of the token, or the result for NULL.
   */
  TOKENLEASE_SOURCE_NONE = 0,
  /**
   * The memory of this process.
   */
  TOKENLEASE_SOURCE_MEMORY = 1,
  /**
   * The store.
   */
  TOKENLEASE_SOURCE_STORE = 2,
  /**
   * A request for the running token.
   */
  TOKENLEASE_SOURCE_REFETCH = 3,
  /**
   * A login.
   */
  TOKENLEASE_SOURCE_LOGIN = 4,
  /**
   * tokenlease_client_adopt.
   */
  TOKENLEASE_SOURCE_ADOPTED = 5,
} tokenlease_source;

/**
 * The meaning of an API's answer for the token of the call.
 */
typedef enum tokenlease_answer {
  /**
   * The token was not rejected: the answer is the call's result.
   */
  TOKENLEASE_ANSWER_NOT_REJECTED = 0,
  /**
   * The token was rejected: call tokenlease_client_report_rejected.
   */
  TOKENLEASE_ANSWER_REJECTED = 1,
  /**
   * The cause may be the token: a failed call inside a WinKAS envelope, or an empty 403. Call
   * tokenlease_client_report_rejected, which asks the provider.
   */
  TOKENLEASE_ANSWER_ASK = 2,
} tokenlease_answer;

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
 * How much an entry of the log matters. Later versions may add numbers between these: the larger, the
 * more it matters.
 */
typedef enum tokenlease_log_level {
  /**
   * A normal step.
   */
  TOKENLEASE_LOG_DEBUG = 10,
  /**
   * Rejected credentials, and outages of the provider or the store, with their ends: somebody may
   * have to act.
   */
  TOKENLEASE_LOG_WARNING = 30,
} tokenlease_log_level;

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
 * The details of a failed call. It contains no secret, so it may be logged. It is immutable:
 * threads may read it concurrently. The caller frees it with tokenlease_error_free.
 */
typedef struct tokenlease_error tokenlease_error;

/**
 * The store, the trusted certificates and the HTTP settings that several clients share.
 * Thread-safe.
 */
typedef struct tokenlease_registry tokenlease_registry;

/**
 * The answer of an API, which the function of tokenlease_client_call fills in. It is borrowed: it is
 * valid until the function returns, and the function must not free it.
 */
typedef struct tokenlease_response tokenlease_response;

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
 * A function that gets the entries of the log: see tokenlease_config_set_log_function. level is a
 * tokenlease_log_level.
 */
typedef void (TOKENLEASE_CALL *tokenlease_log_function)(void *user, int32_t level,
    const char *event, const char *text);

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
 * A function that calls an API with a token: see tokenlease_client_call.
 */
typedef int32_t (TOKENLEASE_CALL *tokenlease_call_function)(void *user,
    const tokenlease_token *token, tokenlease_response *response);

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
 * Sets a function that gets the events of the clients that are made from the config: logins, rejected
 * credentials, outages and so on, with their causes and durations. event is a name, such as
 * "circuit_opened"; docs/json.md lists them. text is what happened, in words. Both strings are
 * borrowed, and contain no secret. NULL as the function turns the log off for later clients.
 *
 * The function is called on a thread of the library that does nothing else, without a lock of the
 * library: it may block, and may call the client. For one client it gets one entry at a time, in
 * their order; for several clients, several threads may call it at once. If more than 256 entries
 * wait, the oldest are dropped. tokenlease_client_close waits until the function has returned from all
 * entries. It is not called for a client after tokenlease_client_free has returned: that call waits for
 * the function, unless the function itself made it.
 *
 * Ownership: if this call succeeds, the library owns user. It calls drop(user) once, on any thread,
 * after the config and all clients made from it were freed, or the config got another function.
 * drop may be NULL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_config_set_log_function(tokenlease_config *config, tokenlease_log_function function,
    void *user, tokenlease_drop_function drop, tokenlease_error **error);

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
 * Returns the value of the header "Authorization": "Bearer " and the text. It is a secret. The string
 * is valid until the token is freed. NULL for a token that does not go into a header (WinKAS Air), and
 * for NULL. The header "Reference-Token", which some calls of Wyn Enterprise require, has the text
 * itself as its value.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL
tokenlease_token_authorization(const tokenlease_token *token);

/**
 * Returns the member of a JSON body in which WinKAS Air expects the token in every call, escaped:
 * "Token":"...". It is a secret. The string is valid until the token is freed. NULL for any other
 * token, and for NULL.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL
tokenlease_token_json_field(const tokenlease_token *token);

/**
 * Overwrites the text of a token and frees it. It does not revoke the token. Freeing NULL is a
 * no-op.
 */
TOKENLEASE_API void TOKENLEASE_CALL tokenlease_token_free(tokenlease_token *token);

/**
 * Returns when the token expires, in milliseconds since 1970-01-01T00:00:00Z, as it was known when
 * the client returned the token. TOKENLEASE_NONE if it is not known, and for NULL.
 */
TOKENLEASE_API int64_t TOKENLEASE_CALL
tokenlease_token_expires_at_ms(const tokenlease_token *token);

/**
 * Returns how the token's expiry is known. TOKENLEASE_EXPIRY_NONE for a token of another client, and
 * for NULL.
 */
TOKENLEASE_API tokenlease_expiry TOKENLEASE_CALL
tokenlease_token_expiry(const tokenlease_token *token);

/**
 * Returns the milliseconds since the request for the token was sent. TOKENLEASE_NONE if it is not
 * known, and for NULL.
 */
TOKENLEASE_API int64_t TOKENLEASE_CALL tokenlease_token_age_ms(const tokenlease_token *token);

/**
 * Returns where this process got the token. TOKENLEASE_SOURCE_NONE for a token of another client, and
 * for NULL.
 */
TOKENLEASE_API tokenlease_source TOKENLEASE_CALL
tokenlease_token_source(const tokenlease_token *token);

/**
 * Returns the number of tokens of the identity up to and including this one. 0 if it is not known,
 * and for NULL.
 */
TOKENLEASE_API uint64_t TOKENLEASE_CALL tokenlease_token_generation(const tokenlease_token *token);

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
 * Fills in the answer's HTTP status and its body. The body is copied. It may be NULL if body_length is
 * 0.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_response_set(tokenlease_response *response, int32_t http_status, const char *body,
    size_t body_length, tokenlease_error **error);

/**
 * Adds a header of the answer. Of the headers only WWW-Authenticate and Content-Type count, so others
 * can be left out. The texts are copied.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_response_add_header(tokenlease_response *response, const char *name, size_t name_length,
    const char *value, size_t value_length, tokenlease_error **error);

/**
 * Calls an API with the token to use now. function performs the call: it presents the token by
 * tokenlease_token_authorization or tokenlease_token_json_field, fills in response by
 * tokenlease_response_set, and returns 0. If the API rejected the token, the library reports that like
 * tokenlease_client_report_rejected, and calls function once more with the replacement. If the provider
 * says that the token is active, it does not: the API's own answer, such as a missing permission, is
 * the result. options may be NULL.
 *
 * function is called on the calling thread, and user is passed to it. token and response are borrowed
 * until it returns. It must not throw. It may call the client. Any result but 0 ends the call with
 * TOKENLEASE_CALL_FAILED.
 *
 * Errors: those of tokenlease_client_token, and TOKENLEASE_CALL_FAILED. An error may come after the
 * first call of function.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_call(const tokenlease_client *client, const tokenlease_token_options *options,
    tokenlease_call_function function, void *user, tokenlease_error **error);

/**
 * Reads an API's answer to a call with this client's token, for programs that do not use
 * tokenlease_client_call. It sends nothing. body may be NULL if body_length is 0.
 *
 * Errors: TOKENLEASE_BAD_ARGUMENT.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_read_answer(const tokenlease_client *client, int32_t http_status,
    const char *body, size_t body_length, tokenlease_answer *answer, tokenlease_error **error);

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
 * Writes the status of the client's token as JSON into a buffer like tokenlease_client_copy_token: when
 * it expires and how that is known, its age, source and generation, and the circuit and backoffs with
 * their causes, without a secret. docs/json.md describes the fields. Reads the store, and sends no
 * request to the provider. A status has less than 16 KB.
 *
 * Errors: TOKENLEASE_DEADLINE_EXCEEDED, TOKENLEASE_BUFFER_TOO_SMALL, TOKENLEASE_FORKED and
 * TOKENLEASE_INTERNAL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_status_json(const tokenlease_client *client, char *buffer, size_t capacity,
    size_t *length, tokenlease_error **error);

/**
 * Gets how often a client has done something since it was made. counter is a tokenlease_count.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_count(const tokenlease_client *client, int32_t counter, uint64_t *count,
    tokenlease_error **error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TOKENLEASE_H */
