// Prints a line per turn: the nanoseconds per call of copy_token in C++ and in C. The first argument is
// the address of the server, the second the number of turns.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <tokenlease.hpp>

constexpr int CALLS = 200000;

// Returns the nanoseconds per call.
template <typename Call> static double measure(Call &&call)
{
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < CALLS; i++) {
        call();
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    return took.count() / CALLS;
}

int main(int argc, char **argv)
try {
    if (argc != 3) {
        std::fprintf(stderr, "usage: copy SERVER TURNS\n");
        return 1;
    }
    tokenlease::Config config;
    config.set("provider", "winkas").set("server", argv[1]).set("user", std::getenv("LOGIN"));
    config.set("contract", std::getenv("CONTRACT")).set_password(std::getenv("PASSWORD"));
    const tokenlease::Client client(config);
    std::string text;
    char buffer[256];
    std::size_t length = 0;
    bool failed = false;
    const auto in_cpp = [&] { client.copy_token(text); };
    const auto in_c = [&] {
        failed |= tokenlease_client_copy_token(client.get(), nullptr, buffer, sizeof buffer, &length,
                                               nullptr)
                  != TOKENLEASE_OK;
    };
    client.copy_token(text);
    for (int turn = 0; turn < std::atoi(argv[2]); turn++) {
        // The order changes each turn, so that neither side always runs second.
        const double first = turn % 2 ? measure(in_c) : measure(in_cpp);
        const double second = turn % 2 ? measure(in_cpp) : measure(in_c);
        std::printf("%f %f\n", turn % 2 ? second : first, turn % 2 ? first : second);
    }
    return failed || text.size() != length;
} catch (const tokenlease::Error &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
