// Gets a token of Wyn Enterprise and shares it with other programs through a store.
//
//   c++ -std=c++17 token.cpp $(pkg-config --cflags --libs tokenlease) && ./a.out SERVER USER STORE
#include <cstdlib>
#include <iostream>
#include <string>
#include <tokenlease.hpp>

static std::string secret(const char *name)
{
    const char *text = std::getenv(name);
    return text ? text : "";
}

int main(int argc, char **argv)
try {
    if (argc != 4) {
        std::cerr << "usage: " << argv[0] << " SERVER USER STORE, with the secrets in PASSWORD and "
                  << "CLIENT_SECRET\n";
        return 2;
    }
    const tokenlease::Registry registry(tokenlease::Config().set("store", argv[3]));

    tokenlease::Config config;
    config.set("provider", "wyn").set("server", argv[1]).set("user", argv[2]);
    config.set_credentials_function([] {
        return tokenlease::Credentials{secret("PASSWORD"), secret("CLIENT_SECRET")};
    });
    const tokenlease::Client client(config, registry);

    const tokenlease::Token token = client.token();
    // Call the API with "Authorization: Bearer " and token.text() here. If the API answers 401:
    if (const auto replacement = client.report_rejected(token)) {
        std::cout << "the token was inactive: repeat the call once with the replacement\n";
    } else {
        std::cout << "the token is active: the API rejected the call for another reason\n";
    }
    client.close();
} catch (const tokenlease::Error &error) {
    std::cerr << error.what() << '\n';
    return error.is_retryable() ? 75 : 1;
}
