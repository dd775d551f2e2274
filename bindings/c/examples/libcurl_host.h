/* A host of tokenlease_machine that sends its requests with libcurl: the whole of what a program must
 * write that uses its own HTTP library. Call curl_global_init before. */
#ifndef LIBCURL_HOST_H
#define LIBCURL_HOST_H

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <tokenlease.h>

struct received {
    char *bytes;
    size_t length;
};

/* Appends what arrived. Answers about tokens are short. */
static size_t host_append(char *bytes, size_t size, size_t count, void *user)
{
    struct received *to = user;
    size_t length = size * count;
    if (length > (1 << 21) || to->length > (1 << 21)) {
        return 0;
    }
    char *larger = malloc(to->length + length + 1);
    if (!larger) {
        return 0;
    }
    if (to->length) {
        memcpy(larger, to->bytes, to->length);
        memset(to->bytes, 0, to->length);
    }
    memcpy(larger + to->length, bytes, length);
    free(to->bytes);
    to->bytes = larger;
    to->length += length;
    return length;
}

/* Overwrites what arrived: it may contain a token. */
static void host_drop(struct received *what)
{
    volatile char *bytes = what->bytes;
    for (size_t i = 0; i < what->length; i++) {
        bytes[i] = 0;
    }
    free(what->bytes);
}

/* Returns whether no byte of the request can have been written. If that is not certain, it may have been. */
static int host_is_not_sent(CURL *curl, CURLcode code)
{
    double before_transfer = 0;
    switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
        return 1;
    default:
        curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME, &before_transfer);
        return before_transfer == 0;
    }
}

/* Sends the request of an effect once, and returns the outcome to the machine. */
static tokenlease_status host_send(tokenlease_effect *effect, tokenlease_error **error)
{
    const tokenlease_request *request = tokenlease_effect_request(effect);
    int64_t timeout = tokenlease_effect_timeout_ms(effect);
    struct received headers = {NULL, 0}, body = {NULL, 0};
    struct curl_slist *lines = curl_slist_append(NULL, "Expect:");
    tokenlease_answer answer = TOKENLEASE_ANSWER_INIT;
    tokenlease_status status;
    long code = 0;
    CURL *curl = curl_easy_init();

    for (size_t i = 0; i < tokenlease_request_header_count(request); i++) {
        const char *name = tokenlease_request_header_name(request, i);
        const char *value = tokenlease_request_header_value(request, i);
        char *line = malloc(strlen(name) + strlen(value) + 3);
        strcat(strcat(strcpy(line, name), ": "), value);
        lines = curl_slist_append(lines, line);
        memset(line, 0, strlen(line));
        free(line);
    }
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_URL, tokenlease_request_url(request));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines);
    if (strcmp(tokenlease_request_method(request), "POST") == 0) {
        const char *bytes = tokenlease_request_body(request);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE,
                         (long)tokenlease_request_body_length(request));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, bytes ? bytes : "");
    }
    /* libcurl sends a request again if a kept connection was closed, so it keeps none. */
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout > 0 ? timeout : 1));
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, host_append);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, host_append);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);

    CURLcode result = curl_easy_perform(curl);
    const char *message = curl_easy_strerror(result);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    if (code >= 200) {
        answer.status = (int32_t)code;
        answer.headers = headers.bytes;
        answer.headers_length = headers.length;
        answer.body = body.bytes;
        answer.body_length = body.length;
        answer.broke_off = result == CURLE_OK ? NULL : message;
        status = tokenlease_effect_answered(effect, &answer, error);
    } else if (host_is_not_sent(curl, result)) {
        status = tokenlease_effect_not_sent(effect, TOKENLEASE_TEXT(message), error);
    } else {
        status = tokenlease_effect_lost(effect, TOKENLEASE_TEXT(message), error);
    }
    curl_easy_cleanup(curl);
    curl_slist_free_all(lines);
    host_drop(&headers);
    host_drop(&body);
    return status;
}

/* Makes a call of a machine: the loop of a host. The arguments are those of tokenlease_machine_begin,
 * and the results those of tokenlease_machine_call_result. */
static tokenlease_status host_call(tokenlease_machine *machine, int32_t kind,
                                   const tokenlease_token *about,
                                   const tokenlease_token_options *options,
                                   tokenlease_result *result, tokenlease_token **token,
                                   tokenlease_error **error)
{
    tokenlease_machine_call *call = NULL;
    tokenlease_effect *effect = NULL;
    tokenlease_status status =
        tokenlease_machine_begin(machine, kind, about, options, &call, error);
    int is_done = 0;

    while (!status && !is_done) {
        status = tokenlease_machine_poll(machine, call, &effect, error);
        if (status) {
            break;
        }
        is_done = tokenlease_effect_action(effect) == TOKENLEASE_ACTION_DONE;
        if (tokenlease_effect_action(effect) == TOKENLEASE_ACTION_SEND) {
            status = host_send(effect, error);
        } else {
            /* The store of the config, and waiting. */
            status = tokenlease_effect_perform(effect, error);
        }
        tokenlease_effect_free(effect);
    }
    if (!status) {
        status = tokenlease_machine_call_result(call, result, token, error);
    }
    tokenlease_machine_call_free(call);
    return status;
}

#endif
