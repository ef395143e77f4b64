// Byte strings in JSON: arguments, variables and paths, which Linux does not keep in any encoding. UTF-8 is a JSON
// string. Other bytes are the object {"base64": "…"}. A reader that knows only strings refuses the object, so no byte
// is ever changed on the way.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace banger {

Json to_byte_string(std::string_view bytes);

/// nullopt when the value is neither form, or has a NUL byte: Linux ends every such text there.
std::optional<std::string> from_byte_string(const Json& value);

// Fields of an object, like find_string and get_string of base/json.h.
Result<std::optional<std::string>> find_bytes(const Json& object, std::string_view key);
Result<std::string> get_bytes(const Json& object, std::string_view key);

}  // namespace banger
