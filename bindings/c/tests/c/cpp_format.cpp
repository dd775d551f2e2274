// std::format writes an error as its message.
#include <tokenlease.hpp>

#include <cstdio>
#include <string>

int main()
{
#ifdef __cpp_lib_format
    tokenlease::Config none(nullptr);
    const tokenlease::Error error = none.try_set("user", "x").error();
    const std::string message = error.what();
    if (std::format("{}", error) != message || std::format("{:.3}", error) != message.substr(0, 3)) {
        return 1;
    }
    std::puts("formatted");
#else
    std::puts("this standard library has no std::format");
#endif
    return 0;
}
