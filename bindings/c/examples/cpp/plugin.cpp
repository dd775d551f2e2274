// A plugin in C++, with libcurl. It calls each URL of its input with the token, or revokes the token.
#include <chrono>
#include <cstdlib>
#include <curl/curl.h>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <tokenlease.hpp>

namespace {

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

std::size_t receive(char *bytes, std::size_t size, std::size_t count, void *body)
{
    static_cast<std::string *>(body)->append(bytes, size * count);
    return size * count;
}

/* Sends a request with the token, in the header or in the body. */
tokenlease::Response send(const std::string &url, const tokenlease::Token &token)
{
    const bool in_body = token.kind() == TOKENLEASE_KIND_WINKAS;
    const std::string text = in_body ? "{\"Text\":\"hello\"," + std::string(token.json_field()) + "}"
                                     : "Authorization: " + std::string(token.authorization());
    const Easy easy(curl_easy_init(), curl_easy_cleanup);
    Headers headers(curl_slist_append(nullptr, "Content-Type: application/json"), curl_slist_free_all);
    if (in_body) {
        curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, text.c_str());
    } else {
        curl_slist_append(headers.get(), text.c_str());
    }
    tokenlease::Response answer;
    curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT, 10L);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &answer.body);
    if (const CURLcode failed = curl_easy_perform(easy.get())) {
        throw std::runtime_error(curl_easy_strerror(failed));
    }
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    answer.http_status = static_cast<int>(status);
    return answer;
}

std::string call_api(const tokenlease::Client &client, const std::string &url)
{
    int attempts = 0;
    // The function runs once more if the API rejected the token. It may throw.
    const tokenlease::Response answer = client.call([&](const tokenlease::Token &token) {
        ++attempts;
        return send(url, token);
    });
    return "HTTP " + std::to_string(answer.http_status) + ", attempts: " + std::to_string(attempts)
           + ", " + answer.body;
}

std::string revoke(const tokenlease::Client &client)
{
    const tokenlease::Token token = client.token();
    client.revoke(token);
    const auto expires = token.expires_at().value_or(std::chrono::system_clock::time_point());
    const auto since = std::chrono::duration_cast<tokenlease::milliseconds>(expires.time_since_epoch());
    return "revoked a token that expires at " + std::to_string(since.count());
}

} // namespace

int main()
try {
    const char *password = std::getenv("PASSWORD");
    tokenlease::Config config;
    config.load_environment().set_password(password ? password : "");
    const tokenlease::Client client(config);
    for (std::string line; std::getline(std::cin, line);) {
        try {
            std::cout << (line == "revoke" ? revoke(client) : call_api(client, line)) << std::endl;
        } catch (const std::exception &error) {
            std::cout << "error: " << error.what() << std::endl;
        }
    }
} catch (const tokenlease::Error &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
