// JSON with limits: parsing that cannot be made to recurse or throw, and typed field access that names what is wrong.
// Source of the format: RFC 8259.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger {

using Json = nlohmann::json;

/// Parses one document. `invalid` on a syntax error, excess depth (limits::kJsonDepth) or more than max_bytes.
Result<Json> parse_json(std::string_view text, std::size_t max_bytes);

/// Compact text; invalid UTF-8 is replaced, never thrown on.
std::string dump_json(const Json& value);

/// Readable text for people, two spaces.
std::string dump_json_pretty(const Json& value);

// Typed fields of an object. `get_` fails with `invalid` when missing or of another type; `find_` gives nullopt when
// missing or null and fails only on a wrong type.
Result<std::string> get_string(const Json& object, std::string_view key);
Result<std::int64_t> get_int(const Json& object, std::string_view key);
Result<bool> get_bool(const Json& object, std::string_view key);
Result<std::optional<std::string>> find_string(const Json& object, std::string_view key);
Result<std::optional<std::int64_t>> find_int(const Json& object, std::string_view key);
Result<std::optional<bool>> find_bool(const Json& object, std::string_view key);
Result<std::vector<std::string>> find_strings(const Json& object, std::string_view key);  ///< empty when missing

/// Fails with `invalid` naming the first key of `object` not in `allowed`, and the nearest allowed one.
Result<> only_keys(const Json& object, std::initializer_list<std::string_view> allowed);

}  // namespace banger
