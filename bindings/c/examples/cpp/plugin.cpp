// A plugin in C++, with libcurl. It calls each URL of its input with the token, or revokes the token.
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

struct Answer {
    long status = 0;
    std::string body;
};

std::size_t receive(char *bytes, std::size_t size, std::size_t count, void *body)
{
    static_cast<std::string *>(body)->append(bytes, size * count);
    return size * count;
}

/* Sends a request with the token, in the header or in the body. */
Answer send(const std::string &url, const tokenlease::Token &token)
{
    const char *field = tokenlease_token_json_field(token.get());
    const std::string text = field
        ? "{\"Text\":\"hello\"," + std::string(field) + "}"
        : std::string("Authorization: ") + tokenlease_token_authorization(token.get());
    const Easy easy(curl_easy_init(), curl_easy_cleanup);
    Headers headers(curl_slist_append(nullptr, "Content-Type: application/json"), curl_slist_free_all);
    if (field) {
        curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, text.c_str());
    } else {
        curl_slist_append(headers.get(), text.c_str());
    }
    Answer answer;
    curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT, 10L);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &answer.body);
    if (const CURLcode failed = curl_easy_perform(easy.get())) {
        throw std::runtime_error(curl_easy_strerror(failed));
    }
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &answer.status);
    return answer;
}

/* Calls the API, and once more if it rejected the token. */
std::string call_api(const tokenlease::Client &client, const std::string &url)
{
    int attempts = 1;
    const tokenlease::Token token = client.token();
    Answer answer = send(url, token);
    auto meaning = TOKENLEASE_ANSWER_ASK;
    if (tokenlease_client_read_answer(client.get(), static_cast<int>(answer.status), answer.body.data(),
                                      answer.body.size(), &meaning, nullptr) == TOKENLEASE_OK
        && meaning != TOKENLEASE_ANSWER_NOT_REJECTED) {
        if (const auto replacement = client.report_rejected(token)) {
            answer = send(url, *replacement);
            ++attempts;
        }
    }
    return "HTTP " + std::to_string(answer.status) + ", attempts: " + std::to_string(attempts) + ", "
        + answer.body;
}

std::string revoke(const tokenlease::Client &client)
{
    const tokenlease::Token token = client.token();
    client.revoke(token);
    const auto expires = tokenlease_token_expires_at_ms(token.get());
    return "revoked a token that expires at " + std::to_string(expires);
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
