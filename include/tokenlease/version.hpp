/* The version of the library. */
#ifndef TOKENLEASE_VERSION_HPP
#define TOKENLEASE_VERSION_HPP

#include <tokenlease.h>

#include <cstdint>
#include <string_view>

namespace tokenlease {

/* Returns the version of the loaded library; TOKENLEASE_VERSION is that of the header. */
inline std::string_view version() noexcept { return tokenlease_version(); }

/* Returns the version as a number that grows with it; TOKENLEASE_VERSION_NUMBER is that of the header. */
inline std::int32_t version_number() noexcept { return tokenlease_version_number(); }

/* Returns the name of a status in snake case; "unknown" for an unknown number. */
inline std::string_view status_name(std::int32_t status) noexcept
{
    return tokenlease_status_name(status);
}

} // namespace tokenlease

#endif
