#include "base/byte_string.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/utf8.h"

namespace banger {

Json to_byte_string(std::string_view bytes) {
  if (is_utf8(bytes)) return bytes;
  return {{"base64", to_base64(bytes)}};
}

std::optional<std::string> from_byte_string(const Json& value) {
  std::optional<std::string> bytes;
  if (value.is_string()) {
    bytes = value.get<std::string>();
  } else if (value.is_object() && value.size() == 1 && value.contains("base64") && value["base64"].is_string()) {
    if (auto decoded = from_base64(value["base64"].get_ref<const std::string&>())) bytes = std::move(*decoded);
  }
  return bytes && bytes->contains('\0') ? std::nullopt : bytes;
}

Result<std::optional<std::string>> find_bytes(const Json& object, std::string_view key) {
  const Json* value = find_field(object, key);
  if (!value) return std::nullopt;
  auto bytes = from_byte_string(*value);
  if (!bytes) return fail(ErrorCode::invalid, fmt::format("field '{}' must be a byte string without NUL", key));
  return bytes;
}

Result<std::string> get_bytes(const Json& object, std::string_view key) {
  auto bytes = TRY(find_bytes(object, key));
  if (!bytes) return fail(ErrorCode::invalid, fmt::format("missing field '{}'", key));
  return std::move(*bytes);
}

}  // namespace banger
