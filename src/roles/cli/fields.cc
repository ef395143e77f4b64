#include "roles/cli/fields.h"

#include <fmt/format.h>
#include <time.h>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace banger::roles::cli {

std::string text_of(const Json& object, std::string_view key) {
  const Json* value = find_field(object, key);
  if (!value) return "";
  if (value->is_string()) return value->get<std::string>();
  if (value->is_boolean()) return value->get<bool>() ? "yes" : "no";
  return dump_json(*value);
}

std::int64_t number_of(const Json& object, std::string_view key) {
  const Json* value = find_field(object, key);
  return value && value->is_number() ? value->get<std::int64_t>() : 0;
}

double real_of(const Json& object, std::string_view key) {
  const Json* value = find_field(object, key);
  return value && value->is_number() ? value->get<double>() : 0;
}

bool flag_of(const Json& object, std::string_view key) {
  const Json* value = find_field(object, key);
  return value && value->is_boolean() && value->get<bool>();
}

const Json& list_of(const Json& object, std::string_view key) {
  static const auto* const kEmpty = new Json(Json::array());
  const Json* value = find_field(object, key);
  return value && value->is_array() ? *value : *kEmpty;
}

std::string size_of(const Json& object, std::string_view key) {
  const Json* value = find_field(object, key);
  return value && value->is_number()
             ? format_size(static_cast<std::uint64_t>(std::max<std::int64_t>(number_of(object, key), 0)))
             : "";
}

std::string joined(const Json& list, std::string_view separator) {
  std::string text;
  if (!list.is_array()) return text;
  for (const auto& item : list) {
    if (!text.empty()) text += separator;
    text += item.is_string() ? item.get<std::string>() : dump_json(item);
  }
  return text;
}

std::string age_of(std::int64_t unix_seconds) {
  if (unix_seconds <= 0) return "";
  auto seconds = std::max<std::int64_t>(::time(nullptr) - unix_seconds, 0);
  return seconds == 0 ? "0s" : format_duration(std::chrono::seconds(seconds));
}

std::string time_of(std::int64_t unix_seconds) {
  if (unix_seconds <= 0) return "";
  time_t when = unix_seconds;
  tm parts{};
  if (!::gmtime_r(&when, &parts)) return "";
  char text[64];
  return std::string(text, ::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts));
}

std::string short_digest(const std::string& hex) { return hex.substr(0, 12); }

}  // namespace banger::roles::cli
