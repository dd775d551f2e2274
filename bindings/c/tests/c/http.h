/* Sends one HTTP request to the emulator, as a plugin does by its host's functions. */
#ifndef HTTP_H
#define HTTP_H

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

struct answer {
    int status;
    size_t length;
    char text[8192];
};

/* Sends a POST of a JSON body, or a GET without one, and reads the whole answer. */
static inline const char *send_request(const char *server, const char *path, const char *header,
                                       const char *body, struct answer *answer)
{
    char host[64] = "", request[4096];
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    EXPECT(sscanf(server, "http://%63[^/]", host) == 1);
    char *port = strrchr(host, ':');
    EXPECT(port != NULL);
    *port++ = 0;
    EXPECT(getaddrinfo(host, port, &hints, &found) == 0);
    int connection = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    EXPECT(connect(connection, found->ai_addr, found->ai_addrlen) == 0);
    freeaddrinfo(found);
    int length = snprintf(request, sizeof request,
                          "%s %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n%s%s"
                          "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                          body ? "POST" : "GET", path, host, port, header ? header : "",
                          header ? "\r\n" : "", body ? strlen(body) : 0, body ? body : "");
    EXPECT(write(connection, request, (size_t)length) == length);
    answer->length = 0;
    for (ssize_t got = 1; got > 0; answer->length += (size_t)got) {
        got = read(connection, answer->text + answer->length,
                   sizeof answer->text - 1 - answer->length);
        EXPECT(got >= 0);
    }
    close(connection);
    answer->text[answer->length] = 0;
    EXPECT(sscanf(answer->text, "HTTP/1.1 %d", &answer->status) == 1);
    const char *start = strstr(answer->text, "\r\n\r\n");
    EXPECT(start != NULL);
    return start + 4;
}

#endif
