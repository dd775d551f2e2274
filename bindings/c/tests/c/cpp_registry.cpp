// A registry lists the tokens of its clients, and ends them.
#include "cpp_support.hpp"

#include <cstdlib>
#include <iostream>
#include <string>

using namespace tokenlease;

int main()
{
    const bool winkas = std::getenv("OPTION_provider") == std::string("winkas");
    Config memory;
    memory.set("store", "memory:");
    const Registry registry(memory);
    Config config;
    for (const char *option : {"provider", "server", "user", "contract", "client_id"}) {
        if (const char *value = std::getenv((std::string("OPTION_") + option).c_str())) {
            config.set(option, value);
        }
    }
    config.set("subject", "anna").set_password(std::getenv("PASSWORD"));
    if (!winkas) {
        config.set_client_secret(std::getenv("CLIENT_SECRET"));
    }
    Config anna;
    anna.set("subject", "anna");
    Config boris;
    boris.set("subject", "boris");
    EXPECT(registry.entries(anna) == "[]");

    const Client client(config, registry);
    const Token token = client.token();
    const std::string entries = registry.entries(anna);
    EXPECT(contains(entries, "\"subject\":\"anna\"") && contains(entries, "\"live\":true"));
    EXPECT(!contains(entries, token.text()));
    EXPECT(registry.entries(boris) == "[]");

    /* Another secret of the subject neither logs in nor ends the token. */
    config.set_password("another ticket");
    const Token same = Client(config, registry).token();
    EXPECT(same.text() == token.text());

    EXPECT(contains(registry.end(boris, TOKENLEASE_END_BY_REVOCATION), "\"entries\":[]"));
    const std::string report = registry.end(anna, TOKENLEASE_END_BY_REVOCATION);
    EXPECT(contains(report, winkas ? "\"result\":\"forgotten\"" : "\"result\":\"proven\""));
    EXPECT(contains(report, "\"failed\":0"));
    EXPECT(registry.entries(anna) == "[]");
    const std::string counts = registry.counts();
    EXPECT(contains(counts, "\"counter\":\"logins\"") && contains(counts, "\"cause\":\"first\""));
    EXPECT(contains(client.status_json(), "\"counter\":\"logins\""));
    return 0;
}
