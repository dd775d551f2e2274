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
 * Pass NULL if you do not need the details. Errors contain no secrets, and each of their texts
 * is at most a few kilobytes long. Compilers warn if a status is
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
 * until its deadline, or until another thread calls tokenlease_client_interrupt. The first such call
 * starts a background thread; no earlier call starts any.
 *
 * Signals. The library installs no handler, and changes neither the disposition nor the mask of a
 * thread of the program. Its own threads block all signals except those that a fault raises (SIGSEGV,
 * SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS): a connection that a server closes raises no SIGPIPE in the
 * program, and handlers run on the program's threads only. Calls write to no socket on the caller's
 * thread. A callback runs with the signal mask of the thread that passed it to the library. The command
 * of the option "password_command" starts with no signal blocked.
 *
 * Fork. A child process cannot use a client or a registry that was made before the fork: calls
 * return TOKENLEASE_FORKED instead of blocking, unless a cached token can be returned. The child
 * makes new clients and registries. It may free the old ones.
 *
 * Panics. A bug in the library makes the call return TOKENLEASE_INTERNAL; it does not abort the
 * program.
 *
 * Callbacks run on threads of the library, but that of tokenlease_client_call on the calling thread.
 * They must return, and must not throw. A call that would
 * wait for the callback in which it is made is an error at once: a function that fetches credentials
 * may use other clients, and not its own.
 *
 * Environment. The library reads the variables of proxies (HTTPS_PROXY, NO_PROXY and others) once, when
 * the process makes its first client or registry, and SSL_CERT_FILE, SSL_CERT_DIR, HOME,
 * XDG_STATE_HOME and STATE_DIRECTORY when it opens what they name. It sets none. setenv is not safe
 * beside threads that read the environment: set variables before the first call of the library.
 *
 * Linking. Nothing to define for the shared library. Define TOKENLEASE_STATIC before the header is
 * included if a program for Windows links the static library.
 *
 * Unloading. The shared library stays loaded until the process ends, because its threads do; closing
 * it with dlclose has no effect.
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
#define TOKENLEASE_WAIT_OPTIONS_INIT {sizeof(tokenlease_wait_options), TOKENLEASE_NONE}
#define TOKENLEASE_STORE_FUNCTIONS_INIT \
    {sizeof(tokenlease_store_functions), NULL, NULL, NULL, NULL, NULL, NULL}
#define TOKENLEASE_MACHINE_OPTIONS_INIT \
    {sizeof(tokenlease_machine_options), TOKENLEASE_NONE, TOKENLEASE_NONE}
#define TOKENLEASE_ANSWER_INIT {sizeof(tokenlease_answer), 0, NULL, 0, NULL, 0, NULL}

/*
 * OPTIONS of tokenlease_config_set: name, type, providers (if not all), default (if any), and
 * meaning. R: an option of registries. The functions tokenlease_option_* return this table.
 *
 * provider: winkas | wyn | oauth2
 *     The server's API.
 *
 * server: text; default https://air.winkas.net (winkas)
 *     The server's base URL, for example "https://wyn.example.com". The default for winkas is
 *     "https://air.winkas.net".
 *
 * user: text
 *     The user to log in as.
 *
 * contract: text; winkas
 *     The contract code (winkas).
 *
 * client_id: text; wyn oauth2; default integration (wyn)
 *     The client ID (wyn, oauth2). The default for wyn is "integration".
 *
 * tenant: text; wyn; default /
 *     The organization, with a leading slash: "/Org/SubOrg" (wyn). The default is "/", the global
 *     organization.
 *
 * scope: text; wyn oauth2
 *     The scopes to request, separated by spaces (wyn, oauth2). By default none are requested.
 *
 * extra: field; wyn oauth2
 *     An extra field of the token request, for example "audience=https://api.example" (wyn,
 *     oauth2). Repeat it for more fields; a name may have several values. Tokens are shared only
 *     among callers with the same fields.
 *
 * subject: text
 *     The application's own name of the user whom the token is for, for portals whose users'
 *     secrets are new each time. The token is then served for each secret: the application vouches
 *     for the user. By default there is none, and a token is served for the same secrets only.
 *
 * without_login: boolean; default false
 *     Never log in, so that no password is needed: for processes that validate or revoke tokens, or
 *     use those that other processes share by the store. Set "subject" for those.
 *
 * lifetime: duration; wyn
 *     The lifetime to request for new tokens, for example "8h" (wyn). By default the server
 *     decides: 10 years on a Wyn server as installed.
 *
 * grant: password | client_credentials; oauth2; default password (with a user), client_credentials
 *     The OAuth 2.0 grant of a login (oauth2). The default is "password" if --user is set, else
 *     "client_credentials".
 *
 * client_auth: body | basic | basic-raw; wyn oauth2; default body (wyn), basic (oauth2)
 *     Where to send the client ID and the client secret (wyn, oauth2). The default for oauth2 is
 *     "basic"; for wyn it is "body" in token requests and "basic" in revocations.
 *
 * token_path: text; wyn oauth2; default /connect/token (wyn)
 *     The path of the token endpoint, relative to the base URL. The default for wyn is
 *     "/connect/token". Without it, oauth2 takes all paths that are not set from the server's
 *     discovery document ("/.well-known/openid-configuration" or "oauth-authorization-server"), or
 *     uses "/token" if the server has none.
 *
 * revocation_path: text; wyn oauth2; default /connect/revocation (wyn)
 *     The path of the revocation endpoint. The default for wyn is "/connect/revocation"; oauth2 has
 *     none but that of the discovery document. An empty path means that the server has none.
 *
 * introspection_path: text; wyn oauth2
 *     The path of the introspection endpoint. The default for oauth2 is that of the discovery
 *     document, unless userinfo is used. It is asked before a userinfo endpoint, because it says
 *     more.
 *
 * userinfo_path: text; wyn oauth2; default /connect/userinfo (wyn)
 *     The path of the userinfo endpoint. The default for wyn is "/connect/userinfo"; for oauth2 it
 *     is that of the discovery document, for users with the scope "openid". An empty path means
 *     that the server has none.
 *
 * token_header: authorization | reference-token; wyn; default authorization
 *     The header that presents a token to the server's API (wyn). The default is "authorization".
 *
 * new_token_ends_old: boolean; wyn oauth2; default false
 *     The server ends older tokens of an identity when it issues a new one (wyn, oauth2). No
 *     response says this. If set, a token is used until it expires instead of being refreshed
 *     early.
 *
 * agreed_lifetime: duration; winkas; default 12h
 *     The lifetime of tokens by agreement with the provider, if no response states it (winkas), for
 *     example "24h". The default is 12 hours; longer lifetimes are learned.
 *
 * max_lifetime: duration; wyn oauth2
 *     An upper limit for lifetimes that the server states (wyn, oauth2), for example "12h". By
 *     default there is no limit.
 *
 * proxy: text; R
 *     The proxy for all requests, for example "http://proxy.example:3128" or
 *     "socks5h://proxy.example:1080", with "USER@" before the host if it requires a login; "none"
 *     for no proxy. The default is that of the system: "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY" and
 *     "NO_PROXY".
 *
 * proxy_password_file: file; R
 *     Read the password for the proxy from this file, which must hold it on one line.
 *
 * no_proxy: text; R
 *     The servers to reach without a proxy, in place of "NO_PROXY": domains, addresses and CIDR
 *     blocks, each with a port or not, separated by commas.
 *
 * user_agent: text; R
 *     The "User-Agent" header of all requests. The default is "tokenlease/" and the version.
 *
 * client_cert: pem; R
 *     The client certificate to present to servers that request one: a PEM file with its chain, or
 *     the PEM text itself without the key.
 *
 * client_key: file; R
 *     The private key of the client certificate: an unencrypted PEM file. By default it is in the
 *     file of --client-cert.
 *
 * ca: pem; R
 *     A PEM file of certificate authorities to trust in addition to the system's, or the PEM text
 *     itself. A self-signed certificate of a server is trusted as that very certificate.
 *
 * allow_plain_http: boolean; default false; R
 *     Allow "http://" servers. Dangerous: passwords and tokens are sent unencrypted, and everyone
 *     on the network path can read them. Not needed for localhost.
 *
 * timeout: duration; default 10s; R
 *     The timeout of one request, for example "500ms" or "10s". The default is 10 seconds.
 *
 * max_concurrent_logins: integer; default 8; R
 *     How many logins to send to one server at once, from 1 to 10000. Further ones wait for their
 *     turn. The default is 8 for each process.
 *
 * deadline: duration; default 30s
 *     The timeout of the whole call, including retries and waits, for example "1m". The default is
 *     30 seconds.
 *
 * password_file: file
 *     Read the password from this file, which must hold it on one line. Only you should be able to
 *     read the file.
 *
 * password_command: text
 *     Run this command and use the first line of its output as the password, for example "pass show
 *     erp". It is run by "sh -c" (Windows: "cmd /C"). Other users can see the command, so put no
 *     secret in it.
 *
 * client_secret_file: file; wyn oauth2
 *     Read the client secret from this file, which must hold it on one line (wyn, oauth2).
 *
 * extra_secret_file: field-file; wyn oauth2
 *     Read an extra field of the token request from a file, which must hold its secret value on one
 *     line (wyn, oauth2). Repeat it for more fields.
 *
 * store: store; R
 *     Where to share tokens: "file:/path" (a folder of this user), "memory:" (this process only),
 *     or the URL of a Redis or PostgreSQL server for many hosts. The default is "file:", the folder
 *     "tokenlease" in "$STATE_DIRECTORY" (systemd), "$XDG_STATE_HOME" or "~/.local/state". Set a
 *     URL that contains a password by the variable "TOKENLEASE_STORE", not here.
 *
 * store_password_file: file; R
 *     Read the password for the Redis or PostgreSQL server from this file, which must hold it on
 *     one line. The URL has none then.
 *
 * store_password_command: text; R
 *     Run this command and use the first line of its output as the password for the Redis or
 *     PostgreSQL server. It is run like "--password-command".
 *
 * store_access: user | group; default user; R
 *     Which users may use the store's folder. The default is "user", its user alone. With "group",
 *     all users of the folder's group can read and replace its tokens, for example several service
 *     accounts; set it for all of them.
 *
 * store_key: keyring | kernel-keyring | passphrase; R
 *     Where the store's encryption key comes from, if not from a file. By default a folder has its
 *     own key. All processes that share a store need the same key.
 *
 * store_key_file: file; R
 *     Read the store's encryption key from this file: 32 bytes, raw, in hexadecimal or in base64.
 *
 * store_passphrase_file: file; R
 *     Derive the store's encryption key from the passphrase in this file, which must hold it on one
 *     line.
 *
 * on_store_outage: fail | refetch-only | login-within-budget; default refetch-only (winkas), fail (wyn, oauth2)
 *     The behavior while the store is unavailable. The default is "refetch-only" if the provider
 *     can refetch (winkas), else "fail". A store that answers with an error, such as a wrong
 *     password or a full disk, is not unavailable: nothing is sent for a token then, under any
 *     policy.
 *
 * store_check_interval: duration; default 30s
 *     How often to check the store for changes. A revocation by another process is seen after this
 *     time at the latest. The default is 30 seconds.
 */

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
   * tokenlease_client_interrupt ended the wait. Call again to wait again.
   */
  TOKENLEASE_INTERRUPTED = 14,
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
typedef enum tokenlease_api_answer {
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
} tokenlease_api_answer;

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
 * The action that an effect asks for. Later versions may add actions: pass an effect with an unknown one to
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
 * The kind of a machine's call. It does the same as the function of a client that is named.
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
 * The request of an exchange.
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
 * The results of a store's functions.
 */
typedef enum tokenlease_store_result {
  /**
   * The call is done.
   */
  TOKENLEASE_STORE_DONE = 0,
  /**
   * swap: the record has another revision. lock and renew: another owner holds the lock, or it has
   * expired.
   */
  TOKENLEASE_STORE_BUSY = 1,
  /**
   * The store can't be reached. The option "on_store_outage" decides what the client does. So do all
   * values that are not listed.
   */
  TOKENLEASE_STORE_UNAVAILABLE = 2,
  /**
   * The store answers and rejects the call, for example a wrong password or a full disk. The client
   * does not log in until the store is corrected.
   */
  TOKENLEASE_STORE_REJECTED = 3,
} tokenlease_store_result;

/**
 * How tokenlease_registry_end ends tokens. Later versions may add numbers.
 */
typedef enum tokenlease_end_by {
  /**
   * They are removed from memory and store, and stay active at the provider.
   */
  TOKENLEASE_END_BY_FORGETTING = 0,
  /**
   * They are revoked at the provider, for every process that shares them. Where the provider cannot
   * revoke tokens (winkas), they are forgotten.
   */
  TOKENLEASE_END_BY_REVOCATION = 1,
} tokenlease_end_by;

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
 * counts as failed at the end of its timeout.
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
 * A list or a report in JSON. It has no secret.
 */
typedef struct tokenlease_report tokenlease_report;

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
 * The answer of an API, which the function of tokenlease_client_call fills in. It is borrowed: it is
 * valid until the function returns, and the function must not free it.
 */
typedef struct tokenlease_response tokenlease_response;

/**
 * The answer of a store's function. It is borrowed: it is valid until the function returns.
 */
typedef struct tokenlease_store_reply tokenlease_store_reply;

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
 * Returns the record and the store's time, read together. name has 64 hexadecimal digits.
 */
typedef int32_t (TOKENLEASE_CALL *tokenlease_store_load_function)(void *user, const char *name,
    tokenlease_store_reply *reply);

/**
 * Replaces the record if its revision is expected; 0: if there is no record. Otherwise it changes
 * nothing and answers TOKENLEASE_STORE_BUSY with the record, or with none. The store may drop the
 * record after keep_ms; TOKENLEASE_NONE: never.
 */
typedef int32_t (TOKENLEASE_CALL *tokenlease_store_swap_function)(void *user, const char *name,
    uint64_t expected, const uint8_t *record, size_t record_length, int64_t keep_ms,
    tokenlease_store_reply *reply);

/**
 * Takes (lock) or extends (renew) the lock of a record until ttl_ms from now, by the store's clock.
 * It never waits. An owner gets a lock that it holds again; an expired lock is not renewed. The
 * record need not exist. owner has at most 100 characters.
 */
typedef int32_t (TOKENLEASE_CALL *tokenlease_store_lock_function)(void *user, const char *name,
    const char *owner, int64_t ttl_ms, tokenlease_store_reply *reply);

/**
 * Releases the lock if the owner holds it; another owner's lock stays.
 */
typedef int32_t (TOKENLEASE_CALL *tokenlease_store_unlock_function)(void *user, const char *name,
    const char *owner, tokenlease_store_reply *reply);

/**
 * The functions of a store of your own. Set size to the size of the struct, and all others but
 * drop. Each function returns a tokenlease_store_result. They run on threads of the library, several
 * at once, and never while the library holds one of its locks. They must return, must not throw, and
 * must not call a client that uses the store. Later versions add fields at the end.
 */
typedef struct tokenlease_store_functions {
  /**
   * The size of the struct in bytes.
   */
  size_t size;
  /**
   * Reads a record.
   */
  tokenlease_store_load_function load;
  /**
   * Replaces a record.
   */
  tokenlease_store_swap_function swap;
  /**
   * Takes a lock.
   */
  tokenlease_store_lock_function lock;
  /**
   * Extends a lock.
   */
  tokenlease_store_lock_function renew;
  /**
   * Releases a lock.
   */
  tokenlease_store_unlock_function unlock;
  /**
   * Frees user. It is called once, on any thread, when nothing uses the store any more. May be NULL.
   */
  tokenlease_drop_function drop;
} tokenlease_store_functions;

/**
 * Lets the time of a store pass, in tokenlease_store_check. Any result but 0 fails the check.
 */
typedef int32_t (TOKENLEASE_CALL *tokenlease_store_pass_function)(void *user, int64_t milliseconds);

/**
 * Options of one call that waits. Begin with TOKENLEASE_WAIT_OPTIONS_INIT, then set fields. In a
 * language without this macro, set size to the size of the struct, and each time to
 * TOKENLEASE_NONE or a value. Later versions add fields at the end.
 */
typedef struct tokenlease_wait_options {
  /**
   * The size of the struct in bytes.
   */
  size_t size;
  /**
   * The deadline in milliseconds from now. TOKENLEASE_NONE: the option "deadline" of the config. With
   * 0, a call returns what it can at once, and otherwise fails with TOKENLEASE_DEADLINE_EXCEEDED; its
   * request goes on.
   */
  int64_t deadline_ms;
} tokenlease_wait_options;

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
   * The deadline in milliseconds from now. TOKENLEASE_NONE: the option "deadline" of the config. With
   * 0, a call returns what it can at once, and otherwise fails with TOKENLEASE_DEADLINE_EXCEEDED; its
   * request goes on.
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

/*
 * VERSION. For example:
 *
 *     if (tokenlease_version_number() < TOKENLEASE_VERSION_NUMBER) {
 *         fprintf(stderr, "tokenlease %s is older than its header\n", tokenlease_version());
 *     }
 */

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

/*
 * STATUS. For example:
 *
 *     const char *password = getenv("PASSWORD");
 *     tokenlease_status status =
 *         tokenlease_config_set_password(config, TOKENLEASE_TEXT(password), NULL);
 *     if (status != TOKENLEASE_OK) {
 *         fprintf(stderr, "the call failed: %s\n", tokenlease_status_name(status));
 *     }
 */

/**
 * Returns the name of a status in snake case, such as "credentials_rejected"; "unknown" for an
 * unknown number. The string is static.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL tokenlease_status_name(int32_t status);

/*
 * ERROR. For example:
 *
 *     if (tokenlease_config_set(config, TOKENLEASE_TEXT("usr"), TOKENLEASE_TEXT("NAME"), &error)) {
 *         fprintf(stderr, "%s\n", tokenlease_error_message(error));
 *         if (tokenlease_error_is_retryable(error)) {
 *             fprintf(stderr, "retry after %.0f s\n", tokenlease_error_until_ms(error) / 1000.0);
 *         }
 *         tokenlease_error_free(error);
 *     }
 */

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

/*
 * CONFIG. For example:
 *
 *     tokenlease_config *config = NULL;
 *     if (tokenlease_config_new(&config, &error)
 *         || tokenlease_config_set(config, TOKENLEASE_TEXT("provider"), TOKENLEASE_TEXT("winkas"), &error)
 *         || tokenlease_config_set(config, TOKENLEASE_TEXT("user"), TOKENLEASE_TEXT("NAME"), &error)
 *         || tokenlease_config_set(config, TOKENLEASE_TEXT("contract"), TOKENLEASE_TEXT("CODE"), &error)
 *         || tokenlease_config_set_credentials_function(config, fetch, "PASSWORD", NULL, &error)) {
 *         fprintf(stderr, "%s\n", tokenlease_error_message(error));
 *     }
 */

/**
 * Makes an empty config. Free it with tokenlease_config_free.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_config_new(tokenlease_config **config, tokenlease_error **error);

/**
 * Sets an option by name: "provider", "server", "user", "store" and so on. The comment "OPTIONS" of
 * this header lists them, and "-" counts as "_". The names are those of the program. Durations have a unit: "90s", "15m",
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

/*
 * CONFIG SOURCES. For example:
 *
 *     const char *json = "{\"deadline\": \"20s\", \"user-agent\": \"Plugin/1.0\"}";
 *     if (tokenlease_config_load_environment(config, &error)
 *         || tokenlease_config_set_json(config, TOKENLEASE_TEXT(json), &error)) {
 *         fprintf(stderr, "%s\n", tokenlease_error_message(error));
 *     }
 */

/**
 * Reads the options of a profile, from a configuration file of the program. If file is NULL, it is
 * the one that the variable TOKENLEASE_CONFIG names, or tokenlease/config.toml in $XDG_CONFIG_HOME
 * or ~/.config. Options that tokenlease_config_set sets, before or after, override the profile.
 *
 *     tokenlease_config_load_profile(config, NULL, 0, "erp", TOKENLEASE_NUL_TERMINATED, &error);
 *
 * Errors: TOKENLEASE_CONFIG if the file can't be read, lacks the profile, or has an unknown option
 * or a malformed value. A profile holds no secrets: it names their files or commands.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_config_load_profile(tokenlease_config *config, const char *file, size_t file_length,
    const char *profile, size_t profile_length, tokenlease_error **error);

/**
 * Reads the environment as the program does: the variables of options (TOKENLEASE_SERVER for
 * "server"), those of secrets (TOKENLEASE_PASSWORD, TOKENLEASE_CLIENT_SECRET,
 * TOKENLEASE_EXTRA_SECRET), and the profile that TOKENLEASE_PROFILE names. The values that the other functions
 * set, before or after, override the environment, which overrides a profile. No other thread may
 * change the environment meanwhile.
 *
 * Errors: TOKENLEASE_CONFIG for a malformed variable or profile.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_config_load_environment(tokenlease_config *config, tokenlease_error **error);

/**
 * Sets options and secrets from JSON text: an object of option names and values, and of the secrets
 * "password", "client_secret" and "extra_secret". A member replaces the option if it is set. Text,
 * whole numbers and booleans are values; null is not set. "extra" and "extra_secret" are objects of
 * names and values.
 *
 *     {"provider": "winkas", "user": "NAME", "contract": "CODE", "password": "PASSWORD"}
 *
 * Errors: TOKENLEASE_CONFIG if the text is no such object, or for an unknown name or an invalid
 * value; then nothing is set.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_config_set_json(tokenlease_config *config, const char *json, size_t json_length,
    tokenlease_error **error);

/**
 * Sets a secret by its name: "password", "client_secret", "proxy_password", "store_password",
 * "store_passphrase", "store_key" (32 bytes in hexadecimal or base64) or "client_key" (PEM text of an
 * unencrypted key). The last five are those of a registry, like the options that name their files.
 * The text is copied.
 *
 * Errors: TOKENLEASE_CONFIG for an unknown name or a malformed secret.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_config_set_secret(tokenlease_config *config, const char *name, size_t name_length,
    const char *secret, size_t secret_length, tokenlease_error **error);

/*
 * CREDENTIALS. For example:
 *
 *     int32_t TOKENLEASE_CALL fetch(void *user, tokenlease_credentials *credentials)
 *     {
 *         const char *password = getenv(user);
 *         return (int32_t)tokenlease_credentials_set_password(
 *             credentials, TOKENLEASE_TEXT(password), NULL);
 *     }
 */

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

/*
 * LOG. For example:
 *
 *     void TOKENLEASE_CALL write_log(void *user, int32_t level, const char *event, const char *text)
 *     {
 *         fprintf(user, "%s %s: %s\n", level == TOKENLEASE_LOG_WARNING ? "warning" : "debug", event, text);
 *     }
 *     // tokenlease_config_set_log_function(config, write_log, stderr, NULL, &error) passes it.
 */

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

/*
 * OPTION TABLE. For example:
 *
 *     for (size_t i = 0; i < tokenlease_option_count(); i++) {
 *         printf("%s (%s): %s\n", tokenlease_option_name(i), tokenlease_option_type(i),
 *                tokenlease_option_meaning(i));
 *     }
 */

/**
 * Returns the number of options that tokenlease_config_set knows. The comment "OPTIONS" of this
 * header lists them. The strings of the functions below are static.
 */
TOKENLEASE_API size_t TOKENLEASE_CALL tokenlease_option_count(void);

/**
 * Returns the name of an option, from index 0 on; NULL if the index is too large.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL tokenlease_option_name(size_t index);

/**
 * Returns the type of an option: "text", "duration", "boolean", "integer", "file", "pem" (a file or
 * the text itself), "store" (a URL), "choice", "field" (NAME=VALUE) or "field-file" (NAME=FILE);
 * NULL if the index is too large. An option of the last two types may be set several times.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL tokenlease_option_type(size_t index);

/**
 * Returns the default of an option; NULL if it has none, or if the index is too large. Several are
 * separated by commas, each with its condition in parentheses.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL tokenlease_option_default(size_t index);

/**
 * Returns the providers that an option is for, separated by spaces; NULL if the index is too large.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL tokenlease_option_providers(size_t index);

/**
 * Returns the meaning of an option, in Markdown; NULL if the index is too large.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL tokenlease_option_meaning(size_t index);

/**
 * Returns the table of options as JSON: a list of objects with the members "name", "type",
 * "choices", "default", "providers", "registry" (whether it is an option of a registry),
 * "repeatable" and "meaning".
 */
TOKENLEASE_API const char * TOKENLEASE_CALL tokenlease_options_json(void);

/*
 * CUSTOM STORE. For example:
 *
 *     tokenlease_store_functions functions = TOKENLEASE_STORE_FUNCTIONS_INIT;
 *     functions.load = memory_load;
 *     functions.swap = memory_swap;
 *     functions.lock = memory_lock;
 *     functions.renew = memory_renew;
 *     functions.unlock = memory_unlock;
 *     if (tokenlease_config_set_store(config, &functions, &my_store, &error)) {
 *         fprintf(stderr, "%s\n", tokenlease_error_message(error));
 *     }
 */

/**
 * Answers with a record and its revision: in load if there is one, and in swap with
 * TOKENLEASE_STORE_BUSY if there is one. The bytes are copied. revision is 1 or more.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_store_reply_set_record(tokenlease_store_reply *reply, uint64_t revision,
    const uint8_t *record, size_t record_length, tokenlease_error **error);

/**
 * Answers a swap that is done with the new revision: 1 or more, and one that the name never had.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_store_reply_set_revision(tokenlease_store_reply *reply, uint64_t revision,
    tokenlease_error **error);

/**
 * Answers with the store's time, in load and swap: milliseconds since any start, 0 or more, by the
 * clock of the place where the records are kept, which all processes see alike.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_store_reply_set_time(tokenlease_store_reply *reply, int64_t now_ms,
    tokenlease_error **error);

/**
 * Answers with what went wrong, for the error of the call that needs the store. It contains no
 * secret. The text is copied, at most 1,000 bytes of it.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_store_reply_set_message(tokenlease_store_reply *reply, const char *message,
    size_t message_length, tokenlease_error **error);

/**
 * Sets a store of your own, in place of the option "store". The library encrypts the records, with
 * the key of the options "store_key", "store_key_file" or "store_passphrase_file", or of the secrets
 * "store_key" or "store_passphrase": one of them is needed. Check a new store with
 * tokenlease_store_check.
 *
 * Ownership: if this call succeeds, the library owns user. It calls drop(user) once, after the
 * config, its registries and all their clients were freed, and no call is in progress. The struct
 * itself is copied.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_config_set_store(tokenlease_config *config, const tokenlease_store_functions *functions,
    void *user, tokenlease_error **error);

/**
 * Runs the checks that every store must pass: the library's own stores pass the same ones. It uses
 * new names of records, so it may run against a store that is in use, and does not call drop.
 *
 * Locks and records of the checks live for a few unit_ms. pass lets that time pass in the store: it
 * moves a clock of a test, and returns 0. If pass is NULL, the call waits, for about 20 times
 * unit_ms.
 *
 * Errors: TOKENLEASE_STORE with the rule that the store breaks.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_store_check(const tokenlease_store_functions *functions, void *user, int64_t unit_ms,
    tokenlease_store_pass_function pass, tokenlease_error **error);

/*
 * REGISTRY. For example:
 *
 *     tokenlease_config *shared = NULL;
 *     tokenlease_registry *registry = NULL;
 *     if (tokenlease_config_new(&shared, &error)
 *         || tokenlease_config_set(shared, TOKENLEASE_TEXT("store"), TOKENLEASE_TEXT("memory:"), &error)
 *         || tokenlease_registry_new(shared, &registry, &error)) {
 *         fprintf(stderr, "%s\n", tokenlease_error_message(error));
 *     }
 *     tokenlease_config_free(shared);
 */

/**
 * Makes a registry from a config's options of registries, which the comment "OPTIONS" of this
 * header marks with R, and from its store and secrets of registries, and opens its store. Free the
 * registry with tokenlease_registry_free.
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

/*
 * REGISTRY ENTRIES. For example:
 *
 *     tokenlease_config *who = NULL;
 *     tokenlease_report *report = NULL;
 *     if (tokenlease_config_new(&who, &error)
 *         || tokenlease_config_set(who, TOKENLEASE_TEXT("subject"), TOKENLEASE_TEXT("anna"), &error)
 *         || tokenlease_registry_end(registry, who, TOKENLEASE_END_BY_REVOCATION, &report, &error)) {
 *         fprintf(stderr, "%s\n", tokenlease_error_message(error));
 *     } else {
 *         printf("%s\n", tokenlease_report_json(report));
 *     }
 *     tokenlease_report_free(report);
 *     tokenlease_config_free(who);
 */

/**
 * Lists the live tokens that clients of a registry use, in this process: identity, server, user, subject,
 * source and expiry. It reads neither the store nor a server. docs/json.md describes the fields.
 *
 * The options "server", "user" and "subject" of a config select tokens; its other options are ignored.
 * config may be NULL, which selects all. registry may be NULL, which is the one of the process. Free the
 * report with tokenlease_report_free.
 *
 * Errors: TOKENLEASE_CONFIG and TOKENLEASE_FORKED.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_registry_entries(const tokenlease_registry *registry, const tokenlease_config *config,
    tokenlease_report **report, tokenlease_error **error);

/**
 * Ends the tokens that a config selects as for tokenlease_registry_entries, for example of all users at a
 * logout: here, in the store, and at the provider. by is a tokenlease_end_by. As many run at once as
 * logins may (the option "max_concurrent_logins"), each with its client's deadline. The report says for
 * each whether the provider confirmed it; docs/json.md describes the fields. A token that could not be
 * ended is no error of the call. config may be NULL, and registry may be NULL.
 *
 * Errors: TOKENLEASE_CONFIG, TOKENLEASE_FORKED and TOKENLEASE_INTERNAL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_registry_end(const tokenlease_registry *registry, const tokenlease_config *config,
    int32_t by, tokenlease_report **report, tokenlease_error **error);

/**
 * Counts logins, refetches, validations and rejections of all clients of a registry, by provider, cause and
 * result, also of clients that were freed. docs/json.md describes the fields. registry may be NULL, which is
 * the one of the process. Free the report with tokenlease_report_free.
 *
 * Errors: TOKENLEASE_CONFIG and TOKENLEASE_FORKED.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_registry_counts(const tokenlease_registry *registry, tokenlease_report **report,
    tokenlease_error **error);

/**
 * Returns the JSON text of a report. It is valid until the report is freed. NULL for NULL.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL tokenlease_report_json(const tokenlease_report *report);

/**
 * Frees a report. Freeing NULL is a no-op.
 */
TOKENLEASE_API void TOKENLEASE_CALL tokenlease_report_free(tokenlease_report *report);

/*
 * TOKEN. For example:
 *
 *     if (tokenlease_token_kind(token) == TOKENLEASE_KIND_BEARER) {
 *         char header[4096];
 *         snprintf(header, sizeof header, "Authorization: Bearer %s", tokenlease_token_text(token));
 *     }
 *     tokenlease_token_free(token);
 */

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
 * for NULL. tokenlease_token_header_value is the value of the header that the option "token_header"
 * names.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL
tokenlease_token_authorization(const tokenlease_token *token);

/**
 * Returns the name of the header in which the server's API takes the token: that of the option
 * "token_header", "Authorization" or "Reference-Token". The string is static. NULL for a token that does
 * not go into a header (WinKAS Air), and for NULL.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL
tokenlease_token_header_name(const tokenlease_token *token);

/**
 * Returns the value of the header that tokenlease_token_header_name names. It is a secret. The string is
 * valid until the token is freed. NULL for a token that does not go into a header (WinKAS Air), and for
 * NULL.
 */
TOKENLEASE_API const char * TOKENLEASE_CALL
tokenlease_token_header_value(const tokenlease_token *token);

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

/*
 * FACTS. For example:
 *
 *     if (tokenlease_token_expiry(token) == TOKENLEASE_EXPIRY_STATED) {
 *         printf("expires in %.0f s\n", (tokenlease_token_expires_at_ms(token) - now_ms()) / 1000.0);
 *     }
 */

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

/*
 * CLIENT. For example:
 *
 *     tokenlease_client *client = NULL;
 *     if (tokenlease_client_new(config, registry, &client, &error)) {
 *         fprintf(stderr, "%s\n", tokenlease_error_message(error));
 *     }
 *     tokenlease_config_free(config);
 */

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
 * login and no lock behind. It revokes no token, and the client remains usable. options may be NULL.
 *
 * Errors: TOKENLEASE_DEADLINE_EXCEEDED if work is still in progress at the deadline;
 * TOKENLEASE_CONFIG in a callback of this client, for which the call would wait.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_close(const tokenlease_client *client, const tokenlease_wait_options *options,
    tokenlease_error **error);

/**
 * Ends all waits of this client that are under way, from any thread: these calls return
 * TOKENLEASE_INTERRUPTED at once. Later calls wait as before, and a login that was sent goes on. A
 * call that begins at the same time may be missed, so a host that cancels one call repeats this until
 * the call has returned. It never blocks. NULL is ignored.
 */
TOKENLEASE_API void TOKENLEASE_CALL tokenlease_client_interrupt(const tokenlease_client *client);

/**
 * Frees a client. It does not wait for work in progress (see tokenlease_client_close) and revokes
 * no token. Freeing NULL is a no-op.
 */
TOKENLEASE_API void TOKENLEASE_CALL tokenlease_client_free(tokenlease_client *client);

/*
 * TOKEN CALLS. For example:
 *
 *     tokenlease_token *token = NULL, *replacement = NULL;
 *     tokenlease_token_options options = TOKENLEASE_TOKEN_OPTIONS_INIT;
 *     options.deadline_ms = 10000;
 *     if (tokenlease_client_token(client, &options, &token, &error) == TOKENLEASE_OK
 *         // Call the API with the token here. If the API rejects the token:
 *         && tokenlease_client_report_rejected(client, token, NULL, &replacement, &error)
 *                == TOKENLEASE_OK
 *         && replacement) {
 *         puts("repeat the call once with the replacement");
 *     }
 */

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
 * options may be NULL.
 *
 * Errors: those of tokenlease_client_token.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_report_rejected(const tokenlease_client *client, const tokenlease_token *token,
    const tokenlease_wait_options *options, tokenlease_token **replacement,
    tokenlease_error **error);

/**
 * Asks the provider whether a token is active. It may be any token, not only this client's.
 * options may be NULL.
 *
 * Errors: those of tokenlease_client_token; TOKENLEASE_UNSUPPORTED if the provider has no such
 * endpoint.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_validate(const tokenlease_client *client, const tokenlease_token *token,
    const tokenlease_wait_options *options, bool *active, tokenlease_error **error);

/**
 * Asks the provider for the running token (winkas), regardless of memory and store. Free it with
 * tokenlease_token_free. options may be NULL.
 *
 * Errors: those of tokenlease_client_token; TOKENLEASE_UNSUPPORTED if the provider has no such
 * endpoint.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_refetch(const tokenlease_client *client, const tokenlease_wait_options *options,
    tokenlease_token **token, tokenlease_error **error);

/**
 * Revokes a token at the provider, for every process that shares it. proven is true if the token
 * was active before, and the provider then called it inactive. It is false if the provider accepted
 * the revocation, and nothing proves it. options may be NULL.
 *
 * Errors: TOKENLEASE_NOT_REVOKED if the provider calls the token active afterwards;
 * TOKENLEASE_UNSUPPORTED for winkas, which has no revocation: see tokenlease_client_forget. If the
 * provider refuses the revocation, for example because of a wrong client secret, the token stays in
 * use. If the response is lost, the client stops using the token, which may be active.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_client_revoke(const tokenlease_client *client, const tokenlease_token *token,
    const tokenlease_wait_options *options, bool *proven, tokenlease_error **error);

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

/*
 * CALL. For example:
 *
 *     int32_t TOKENLEASE_CALL call_api(void *user, const tokenlease_token *token,
 *                                      tokenlease_response *response)
 *     {
 *         const char *body = "{}";
 *         // Send the request of *user here, with tokenlease_token_authorization(token) as a header or
 *         // tokenlease_token_json_field(token) as a member of the JSON body. Then pass the answer on:
 *         (void)user, (void)token;
 *         return (int32_t)tokenlease_response_set(response, 200, body, strlen(body), NULL);
 *     }
 *     // tokenlease_client_call(client, NULL, call_api, &request, &error) repeats it once after a rejection.
 */

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
 * tokenlease_token_header_name and tokenlease_token_header_value, or by tokenlease_token_json_field, fills
 * in response by tokenlease_response_set, and returns 0. If the API rejected the token, the library reports that like
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
    const char *body, size_t body_length, tokenlease_api_answer *answer, tokenlease_error **error);

/*
 * INSPECTION. For example:
 *
 *     char text[512];
 *     size_t length = 0;
 *     uint64_t logins = 0;
 *     if (tokenlease_client_explain(client, text, sizeof text, &length, &error) == TOKENLEASE_OK
 *         && tokenlease_client_count(client, TOKENLEASE_COUNT_LOGINS, &logins, &error)
 *                == TOKENLEASE_OK) {
 *         printf("%s\n%d logins\n", text, (int)logins);
 *     }
 */

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
 * it expires and how that is known, its age, source and generation, the circuit and backoffs with their
 * causes, and the counts of the client by cause, without a secret. docs/json.md describes the fields. Reads the store, and sends no
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

/*
 * MACHINE. For example:
 *
 *     tokenlease_machine_call *call = NULL;
 *     tokenlease_effect *effect = NULL;
 *     tokenlease_result result;
 *     tokenlease_token *token = NULL;
 *     tokenlease_status status =
 *         tokenlease_machine_begin(machine, TOKENLEASE_CALL_TOKEN, NULL, &options, &call, &error);
 *     while (!status && !tokenlease_machine_call_is_complete(call)) {
 *         status = tokenlease_machine_poll(machine, call, &effect, &error);
 *         if (!status) {
 *             // send_it sends tokenlease_effect_request(effect), and calls tokenlease_effect_answered.
 *             status = tokenlease_effect_action(effect) == TOKENLEASE_ACTION_SEND
 *                          ? send_it(effect, &error)
 *                          : tokenlease_effect_perform(effect, &error);
 *             tokenlease_effect_free(effect);
 *         }
 *     }
 *     if (!status) {
 *         status = tokenlease_machine_call_result(call, &result, &token, &error);
 *     }
 *     tokenlease_machine_call_free(call);
 */

/**
 * Makes a machine from a config, in a registry, like tokenlease_client_new. registry may be NULL, and
 * options may be NULL. The credentials are read now, also from files and functions, and never again: to
 * change them, make another machine. Free the machine with tokenlease_machine_free.
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
 * Returns the length of the record to write in bytes. 0 where tokenlease_effect_record returns NULL,
 * and for NULL.
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
 * Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL. An answer that is an
 * error is no error of this call: the machine learns of it.
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
 * that ended. The login may have been made, so the machine backs off before it sends another one. Use
 * this instead of tokenlease_effect_not_sent if that is not certain. The message appears in errors;
 * secrets of the request that it quotes are redacted.
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
 * Says that a host's own store failed. result is TOKENLEASE_STORE_UNAVAILABLE, or
 * TOKENLEASE_STORE_REJECTED, also for a record that does not authenticate. The message appears in
 * errors.
 *
 * Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
 */
TOKENLEASE_API TOKENLEASE_MUST_CHECK tokenlease_status TOKENLEASE_CALL
tokenlease_effect_store_failed(tokenlease_effect *effect, int32_t result, const char *message,
    size_t message_length, tokenlease_error **error);

/*
 * EXCHANGE. For example:
 *
 *     tokenlease_exchange *login = NULL;
 *     if (tokenlease_exchange_new(config, NULL, TOKENLEASE_EXCHANGE_LOGIN, NULL, &login, &error)
 *         == TOKENLEASE_OK) {
 *         const tokenlease_request *request = tokenlease_exchange_request(login);
 *         printf("%s %s\n", tokenlease_request_method(request), tokenlease_request_url(request));
 *         // Send it, and pass what was answered to tokenlease_exchange_read.
 *     }
 *     tokenlease_exchange_free(login);
 */

/**
 * Makes an exchange from a config, in a registry, like tokenlease_client_new. registry may be NULL. kind
 * is a tokenlease_exchange_kind. token is required for the kinds that are about one, and NULL for the
 * others; it is copied. It sends nothing, and reads no discovery document: set "token_path" for oauth2.
 * Free it with tokenlease_exchange_free.
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
