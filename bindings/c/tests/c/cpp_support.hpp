// Helpers of the test programs in C++. The environment has the options and the secrets of the client.
#ifndef CPP_SUPPORT_HPP
#define CPP_SUPPORT_HPP

#include <tokenlease.hpp>

#include <cstdio>
#include <cstdlib>
#include <netdb.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#define EXPECT(condition)                                                                    \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);     \
            std::exit(1);                                                                    \
        }                                                                                    \
    } while (0)

inline std::string env(const char *name)
{
    const char *text = std::getenv(name);
    return text ? text : "";
}

inline bool is_winkas() { return env("OPTION_provider") == "winkas"; }

inline bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

// The options of the environment, in a config of either form.
inline tokenlease::Config config_of_environment()
{
    auto config = tokenlease::Config::try_create();
    EXPECT(config);
    for (const char *name : {"provider", "server", "user", "contract", "client_id", "store",
                             "token_header"}) {
        const std::string value = env((std::string("OPTION_") + name).c_str());
        EXPECT(value.empty() || config->try_set(name, value));
    }
    EXPECT(config->try_set_password(env("PASSWORD")));
    EXPECT(env("CLIENT_SECRET").empty() || config->try_set_client_secret(env("CLIENT_SECRET")));
    return *std::move(config);
}

// Asks the test to do something, and waits until it is done.
inline void ask_for(const char *action)
{
    char line[8];
    std::puts(action);
    std::fflush(stdout);
    EXPECT(std::fgets(line, sizeof line, stdin));
}

struct HttpAnswer {
    int status = 0;
    std::string head = {};
    std::string body = {};
};

// Sends a request as a program does by its own HTTP library, and reads the whole answer.
inline HttpAnswer
send_http(std::string_view method, std::string url,
          const std::vector<std::pair<std::string_view, std::string_view>> &headers,
          std::string_view body)
{
    EXPECT(url.rfind("http://", 0) == 0);
    const auto path = url.find('/', 7);
    const auto colon = url.find(':', 7);
    const std::string host = url.substr(7, colon - 7), port = url.substr(colon + 1, path - colon - 1);
    addrinfo hints = {}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    EXPECT(getaddrinfo(host.c_str(), port.c_str(), &hints, &found) == 0);
    const int connection = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    EXPECT(connect(connection, found->ai_addr, found->ai_addrlen) == 0);
    freeaddrinfo(found);
    std::string request = std::string(method) + ' ' + url.substr(path) + " HTTP/1.1\r\nHost: " + host
                          + ':' + port + "\r\nConnection: close\r\nContent-Length: "
                          + std::to_string(body.size()) + "\r\n";
    for (const auto &header : headers) {
        request.append(header.first).append(": ").append(header.second).append("\r\n");
    }
    request.append("\r\n").append(body);
    EXPECT(write(connection, request.data(), request.size()) == static_cast<ssize_t>(request.size()));
    std::string text;
    char part[4096];
    for (ssize_t got = 1; got > 0;) {
        got = read(connection, part, sizeof part);
        EXPECT(got >= 0);
        text.append(part, static_cast<std::size_t>(got));
    }
    close(connection);
    HttpAnswer answer;
    EXPECT(std::sscanf(text.c_str(), "HTTP/1.1 %d", &answer.status) == 1);
    const auto end = text.find("\r\n\r\n");
    EXPECT(end != std::string::npos);
    answer.head = text.substr(0, end + 2);
    answer.body = text.substr(end + 4);
    return answer;
}

// Calls the emulator's API with a token, as a plugin does.
inline tokenlease::Response call_api(const std::string &path, const tokenlease::Token &token)
{
    std::vector<std::pair<std::string_view, std::string_view>> headers = {
        {"Content-Type", "application/json"}};
    std::string body;
    EXPECT(token.json_field().empty() != is_winkas());
    EXPECT(token.authorization().empty() == is_winkas());
    EXPECT(token.header_name().empty() == is_winkas());
    EXPECT(token.header_value().empty() == is_winkas());
    if (is_winkas()) {
        body.append("{\"Text\":\"hello\",").append(token.json_field()).append("}");
    } else {
        EXPECT(token.header_value() != token.authorization() || token.header_name() == "Authorization");
        headers.emplace_back(token.header_name(), token.header_value());
    }
    HttpAnswer answer =
        send_http(is_winkas() ? "POST" : "GET", env("OPTION_server") + path, headers, body);
    tokenlease::Response response;
    response.http_status = answer.status;
    response.body = std::move(answer.body);
    response.headers.emplace_back("Content-Type", "application/json");
    return response;
}

#endif
