// JSON with limits. Parsing never throws and never recurses deeper than the limit. An error of typed field access names
// the field. Source of the format: RFC 8259.
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

/// The same, and `invalid` when an object has a key twice. Readers disagree about which value counts, so a document
/// that others check too, such as a signed one, must have none.
Result<Json> parse_unique_json(std::string_view text, std::size_t max_bytes);

/// Compact text. `invalid` when a string or a key is not UTF-8, which JSON cannot carry. The error names its place.
/// For everything that may have come from a user as bytes.
Result<std::string> encode_json(const Json& value);

/// Compact text for messages to people, and for values that are UTF-8 for sure: constants, numbers, and strings that
/// came out of JSON. Other bytes are replaced, and nothing throws.
std::string dump_json(const Json& value);

/// Readable text for people, two spaces. Replaces bytes like dump_json.
std::string dump_json_pretty(const Json& value);

/// The field of an object; null when it is missing or null, or when `object` is not an object.
const Json* find_field(const Json& object, std::string_view key);

// Typed fields of an object. `get_` fails with `invalid` when the field is missing or of another type. `find_` gives
// nullopt for a missing or null field and fails only on a wrong type.
Result<std::string> get_string(const Json& object, std::string_view key);
Result<std::int64_t> get_int(const Json& object, std::string_view key);
Result<bool> get_bool(const Json& object, std::string_view key);
Result<std::optional<std::string>> find_string(const Json& object, std::string_view key);
Result<std::optional<std::int64_t>> find_int(const Json& object, std::string_view key);
Result<std::optional<bool>> find_bool(const Json& object, std::string_view key);
Result<std::vector<std::string>> find_strings(const Json& object, std::string_view key);  ///< empty when missing

/// `invalid` when a key of `object` is not in `allowed`. The error names the first such key and the nearest allowed
/// key.
Result<> only_keys(const Json& object, std::initializer_list<std::string_view> allowed);

}  // namespace banger
