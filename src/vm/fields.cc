#include "vm/fields.h"

#include <fmt/format.h>

#include <concepts>
#include <nlohmann/json.hpp>
#include <utility>

namespace banger::vm {

namespace {

Json to_value(const auto& value) { return value; }
Json to_value(const std::vector<PublishedPort>& ports) {
  Json list = Json::array();
  for (const auto& port : ports) list.push_back(to_string(port));
  return list;
}
Json to_value(const std::vector<Secret>& secrets) {
  Json list = Json::array();
  for (const auto& secret : secrets) list.push_back(to_string(secret));
  return list;
}
Json to_value(Network network) { return to_string(network); }
Json to_value(Storage storage) { return to_string(storage); }
Json to_value(Restart restart) { return to_string(restart); }

// Each function reads one field of an object. A missing field leaves the value unchanged.

Result<> read(const Json& json, std::string_view name, std::string& to) {
  if (auto text = TRY(find_string(json, name))) to = std::move(*text);
  return {};
}

Result<> read(const Json& json, std::string_view name, bool& to) {
  if (auto flag = TRY(find_bool(json, name))) to = *flag;
  return {};
}

template <std::unsigned_integral T>
Result<> read(const Json& json, std::string_view name, T& to) {
  auto number = TRY(find_int(json, name));
  if (!number) return {};
  if (*number < 0) return fail(ErrorCode::invalid, fmt::format("field '{}' must not be negative", name));
  if (!std::in_range<T>(*number)) return fail(ErrorCode::invalid, fmt::format("field '{}' is out of range", name));
  to = static_cast<T>(*number);
  return {};
}

Result<> read(const Json& json, std::string_view name, Network& to) {
  if (auto text = TRY(find_string(json, name))) to = TRY(network_from_string(*text));
  return {};
}

Result<> read(const Json& json, std::string_view name, Storage& to) {
  if (auto text = TRY(find_string(json, name))) to = TRY(storage_from_string(*text));
  return {};
}

Result<> read(const Json& json, std::string_view name, std::map<std::string, std::string>& to) {
  auto it = json.find(name);
  if (it == json.end() || it->is_null()) return {};
  auto wrong = fail(ErrorCode::invalid, fmt::format("field '{}' must be an object of strings", name));
  if (!it->is_object()) return wrong;
  std::map<std::string, std::string> map;
  for (const auto& [key, value] : it->items()) {
    if (!value.is_string()) return wrong;
    map[key] = value.get<std::string>();
  }
  to = std::move(map);
  return {};
}

Result<> read(const Json& json, std::string_view name, Restart& to) {
  if (auto text = TRY(find_string(json, name))) to = TRY(restart_from_string(*text));
  return {};
}

Result<> read(const Json& json, std::string_view name, std::vector<PublishedPort>& to) {
  auto it = json.find(name);
  if (it == json.end() || it->is_null()) return {};
  std::vector<PublishedPort> ports;
  for (const auto& text : TRY(find_strings(json, name)))
    ports.push_back(TRY(in(fmt::format("field '{}'", name), parse_published_port(text))));
  to = std::move(ports);
  return {};
}

Result<> read(const Json& json, std::string_view name, std::vector<Secret>& to) {
  auto it = json.find(name);
  if (it == json.end() || it->is_null()) return {};
  std::vector<Secret> secrets;
  for (const auto& text : TRY(find_strings(json, name)))
    secrets.push_back(TRY(in(fmt::format("field '{}'", name), parse_secret(text))));
  to = std::move(secrets);
  return {};
}

Result<> read(const Json& json, std::string_view name, std::vector<std::string>& to) {
  auto it = json.find(name);
  if (it == json.end() || it->is_null()) return {};
  to = TRY(find_strings(json, name));
  return {};
}

Result<> read(const Json& json, const Field& field, Spec& to) {
  return std::visit([&](auto member) { return read(json, field.name, to.*member); }, field.member);
}

bool equal(const Field& field, const Spec& a, const Spec& b) {
  return std::visit([&](auto member) { return a.*member == b.*member; }, field.member);
}

bool waits_for_start(Change change, Taken taken) {
  return change == Change::at_start || (change == Change::at_start_unless_taken && taken == Taken::no);
}

void copy(const Field& field, const Spec& from, Spec& to) {
  std::visit([&](auto member) { to.*member = from.*member; }, field.member);
}

}  // namespace

Json field_value(const Field& field, const Spec& spec) {
  return std::visit([&](auto member) { return to_value(spec.*member); }, field.member);
}

Json to_json(const Spec& spec) {
  Json json = Json::object();
  for (const auto& field : kFields) json[std::string(field.name)] = field_value(field, spec);
  return json;
}

Result<Spec> spec_from_json(const Json& json) {
  if (!json.is_object()) return fail(ErrorCode::invalid, "a VM's spec must be an object");
  for (const auto& field : kFields)
    if (field.absent == Absent::invalid && json.value(std::string(field.name), Json()).is_null())
      return fail(ErrorCode::invalid, fmt::format("missing field '{}'", field.name));
  return spec_over({}, json);
}

Result<Spec> spec_over(Spec base, const Json& given) {
  for (const auto& field : kFields) TRY(read(given, field, base));
  return base;
}

Result<Spec> wanted_spec(Spec base, const Json& given) {
  auto is_given = [&](std::string_view name) { return given.contains(name) && !given.find(name)->is_null(); };
  auto spec = TRY(spec_over(std::move(base), given));
  bool names_hosts = is_given("allow") && !spec.allow.empty();
  if (names_hosts && !is_given("egress") && spec.egress == kOpenEgress) spec.egress = kNoEgress;
  return spec;
}

std::vector<std::string> restart_needed(const Spec& before, const Spec& after, Taken taken) {
  std::vector<std::string> names;
  for (const auto& field : kFields)
    if (!equal(field, before, after) && waits_for_start(field.change, taken)) names.emplace_back(field.name);
  return names;
}

Spec template_part(const Spec& spec) {
  Spec part;
  for (const auto& field : kFields)
    if (field.in_template != InTemplate::no) copy(field, spec, part);
  return part;
}

Json template_key_fields(const Spec& spec) {
  Json json = Json::object();
  for (const auto& field : kFields)
    if (field.in_template == InTemplate::key) json[std::string(field.name)] = field_value(field, spec);
  return json;
}

}  // namespace banger::vm
