// Text for people from fields of the daemon's answers. A missing field gives an empty text, never an error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"

namespace banger::roles::cli {

/// The field as text: a string, a number, or "yes" and "no" for a boolean. "" when the field is missing or null.
std::string text_of(const Json& object, std::string_view key);
/// 0 when the field is missing or not a number.
std::int64_t number_of(const Json& object, std::string_view key);
double real_of(const Json& object, std::string_view key);
bool flag_of(const Json& object, std::string_view key);
/// The list in the field `key`. An empty list when the field is missing.
const Json& list_of(const Json& object, std::string_view key);

std::string size_of(const Json& object, std::string_view key);  ///< "8G"; "" when the field is missing
std::string joined(const Json& list, std::string_view separator = ", ");
std::string age_of(std::int64_t unix_seconds);   ///< "3m 10s", "" for 0
std::string time_of(std::int64_t unix_seconds);  ///< "2026-01-02 03:04:05 UTC", "" for 0
std::string short_digest(const std::string& hex);

}  // namespace banger::roles::cli
