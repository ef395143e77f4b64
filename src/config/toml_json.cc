#include "config/toml_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "config/bounds.h"
#include "config/toml_text.h"

namespace banger::config {

namespace {

class Converter {
 public:
  explicit Converter(const std::string& path) : path_(path) {}

  Result<Json> convert(const toml::node& node, std::size_t depth) const {
    if (depth > limits::kTomlDepth) return refuse(node, "the values are nested too deeply");
    if (const auto* table = node.as_table()) return object_of(*table, depth);
    if (const auto* array = node.as_array()) return list_of(*array, depth);
    if (const auto* text = node.as_string()) return Json(text->get());
    if (const auto* number = node.as_integer()) return Json(number->get());
    if (const auto* number = node.as_floating_point()) return Json(number->get());
    if (const auto* flag = node.as_boolean()) return Json(flag->get());
    return refuse(node, "JSON has no dates and times; write it as text");
  }

 private:
  std::unexpected<Error> refuse(const toml::node& node, std::string_view why) const {
    return fail(ErrorCode::invalid, fmt::format("{}:{}: {}", path_, node.source().begin.line, why));
  }
  Result<Json> object_of(const toml::table& table, std::size_t depth) const {
    Json object = Json::object();
    for (const auto& [key, value] : table) object[std::string(key.str())] = TRY(convert(value, depth + 1));
    return object;
  }
  Result<Json> list_of(const toml::array& array, std::size_t depth) const {
    Json list = Json::array();
    for (const auto& value : array) list.push_back(TRY(convert(value, depth + 1)));
    return list;
  }
  const std::string& path_;
};

}  // namespace

Result<Json> toml_to_json(std::string_view text, const std::string& path) {
  if (text.size() > limits::kTomlBytes)
    return fail(ErrorCode::exhausted,
                fmt::format("{}: a TOML document has at most {} bytes", path, limits::kTomlBytes));
  auto table = TRY(parse_toml(text, path));
  return Converter(path).convert(table, 0);
}

}  // namespace banger::config
