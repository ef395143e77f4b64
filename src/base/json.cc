#include "base/json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/bounds.h"
#include "base/text.h"
#include "base/utf8.h"

namespace banger {

namespace {

// Whether more brackets than limits::kJsonDepth are open at some place. The parser can count too, but its callback
// makes it search the whole list at the end of each object in the list.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (in_string && c == '\\') ++i;
    if (c == '"') in_string = !in_string;
    if (in_string) continue;
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth > limits::kJsonDepth) return true;
  }
  return false;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes)
    return fail(ErrorCode::invalid,
                fmt::format("JSON document of {} bytes is over the limit of {}", text.size(), max_bytes));
  if (is_too_deep(text))
    return fail(ErrorCode::invalid, fmt::format("JSON is nested deeper than {}", limits::kJsonDepth));
  Json value = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return fail(ErrorCode::invalid, "not valid JSON");
  return value;
}

namespace {

/// Looks for a key that an object has twice. The parser calls it with the parts of the text in their order.
class KeyCheck : public nlohmann::json_sax<Json> {
 public:
  const std::optional<std::string>& repeated() const { return repeated_; }

  bool start_object(std::size_t) override {
    open_.emplace_back();
    return true;
  }
  bool end_object() override {
    open_.pop_back();
    return true;
  }
  bool key(std::string& key) override {
    if (open_.back().insert(key).second) return true;
    repeated_ = key;
    return false;
  }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const std::string&) override { return true; }
  bool string(std::string&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  std::vector<std::set<std::string>> open_;  ///< the keys so far of each object that is not at its end
  std::optional<std::string> repeated_;
};

}  // namespace

Result<Json> parse_unique_json(std::string_view text, std::size_t max_bytes) {
  auto value = TRY(parse_json(text, max_bytes));
  KeyCheck keys;
  Json::sax_parse(text.begin(), text.end(), &keys);
  if (!keys.repeated()) return value;
  return fail(ErrorCode::invalid, fmt::format("field '{}' is there twice", printable(*keys.repeated(), 80)));
}

namespace {

// The place of the first text that is not UTF-8, such as "environment.A" or "names[1]", behind `place`.
std::optional<std::string> find_other_bytes(const Json& value, const std::string& place) {
  if (value.is_string() && !is_utf8(value.get_ref<const std::string&>())) return place;
  if (!value.is_structured()) return std::nullopt;
  for (const auto& [key, item] : value.items()) {
    if (value.is_object() && !is_utf8(key)) return place;
    auto where = value.is_array() ? fmt::format("{}[{}]", place, key)
                 : place.empty()  ? key
                                  : fmt::format("{}.{}", place, key);
    if (auto found = find_other_bytes(item, where)) return found;
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> encode_json(const Json& value) {
  auto place = find_other_bytes(value, "");
  if (!place) return dump_json(value);
  return fail(ErrorCode::invalid,
              fmt::format("{} is not UTF-8 text", place->empty() ? "the value" : fmt::format("'{}'", *place)));
}

std::string dump_json(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }
std::string dump_json_pretty(const Json& value) { return value.dump(2, ' ', false, Json::error_handler_t::replace); }

const Json* find_field(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

namespace {

std::unexpected<Error> missing(std::string_view key) {
  return fail(ErrorCode::invalid, fmt::format("missing field '{}'", key));
}
std::unexpected<Error> wrong_type(std::string_view key, std::string_view wanted) {
  return fail(ErrorCode::invalid, fmt::format("field '{}' must be {}", key, wanted));
}

template <class T>
Result<T> required(Result<std::optional<T>> found, std::string_view key) {
  if (!found) return std::unexpected(std::move(found.error()));
  if (!*found) return missing(key);
  return std::move(**found);
}

}  // namespace

Result<std::optional<std::string>> find_string(const Json& object, std::string_view key) {
  const Json* value = find_field(object, key);
  if (!value) return std::nullopt;
  if (!value->is_string()) return wrong_type(key, "a string");
  return value->get<std::string>();
}

Result<std::optional<std::int64_t>> find_int(const Json& object, std::string_view key) {
  const Json* value = find_field(object, key);
  if (!value) return std::nullopt;
  if (!value->is_number_integer()) return wrong_type(key, "a whole number");
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX) return wrong_type(key, "below 2^63");
  return value->get<std::int64_t>();
}

Result<std::optional<bool>> find_bool(const Json& object, std::string_view key) {
  const Json* value = find_field(object, key);
  if (!value) return std::nullopt;
  if (!value->is_boolean()) return wrong_type(key, "true or false");
  return value->get<bool>();
}

Result<std::string> get_string(const Json& object, std::string_view key) {
  return required(find_string(object, key), key);
}
Result<std::int64_t> get_int(const Json& object, std::string_view key) { return required(find_int(object, key), key); }
Result<bool> get_bool(const Json& object, std::string_view key) { return required(find_bool(object, key), key); }

Result<std::vector<std::string>> find_strings(const Json& object, std::string_view key) {
  std::vector<std::string> strings;
  const Json* value = find_field(object, key);
  if (!value) return strings;
  if (!value->is_array()) return wrong_type(key, "a list of strings");
  for (const auto& item : *value) {
    if (!item.is_string()) return wrong_type(key, "a list of strings");
    strings.push_back(item.get<std::string>());
  }
  return strings;
}

Result<> only_keys(const Json& object, std::initializer_list<std::string_view> allowed) {
  if (!object.is_object()) return fail(ErrorCode::invalid, "expected an object");
  for (const auto& [key, value] : object.items()) {
    if (std::find(allowed.begin(), allowed.end(), key) != allowed.end()) continue;
    return fail(ErrorCode::invalid, fmt::format("unknown field '{}'", key), did_you_mean(key, allowed));
  }
  return {};
}

}  // namespace banger
