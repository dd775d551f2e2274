/* The table of all options. */
#ifndef TOKENLEASE_OPTIONS_HPP
#define TOKENLEASE_OPTIONS_HPP

#include <tokenlease.h>

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace tokenlease {

/* An option that Config::set knows. The texts are static. */
struct Option {
    std::string_view name;
    std::string_view type;
    std::optional<std::string_view> default_value;
    /* Separated by spaces. */
    std::string_view providers;
    std::string_view meaning;
};

/* Returns the table of all options; see tokenlease_option_name and the like. */
inline std::vector<Option> options()
{
    std::vector<Option> table;
    for (std::size_t i = 0; i < tokenlease_option_count(); i++) {
        const char *value = tokenlease_option_default(i);
        table.push_back({tokenlease_option_name(i), tokenlease_option_type(i),
                         value ? std::optional<std::string_view>(value) : std::nullopt,
                         tokenlease_option_providers(i), tokenlease_option_meaning(i)});
    }
    return table;
}

/* Returns the table as JSON; see tokenlease_options_json. */
inline std::string_view options_json() noexcept { return tokenlease_options_json(); }

} // namespace tokenlease

#endif
