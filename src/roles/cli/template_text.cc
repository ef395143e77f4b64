#include "roles/cli/template_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "roles/cli/io.h"

namespace banger::roles::cli {

namespace {

bool is_map(const api::Field& field) { return field.type == api::Type::text_map || field.type == api::Type::counts; }

std::string names_of(const api::Object& object) {
  std::vector<std::string> names;
  for (const auto& field : object.fields) names.emplace_back(field.name);
  return join(names, ", ");
}

Result<> check_field(std::string_view field, std::string_view key, const api::Object& object) {
  auto found = std::ranges::find(object.fields, field, &api::Field::name);
  if (found == object.fields.end())
    return fail(ErrorCode::invalid, fmt::format("--format: there is no field '{}'", printable(field, 80)),
                fmt::format("the fields are {}", names_of(object)));
  if (!key.empty() && !is_map(*found))
    return fail(ErrorCode::invalid, fmt::format("--format: the field '{}' has no parts", field),
                fmt::format("write {{{}}}", field));
  return {};
}

std::string text_of(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  std::vector<std::string> parts;
  if (value.is_array()) {
    for (const auto& item : value) parts.push_back(item.is_string() ? item.get<std::string>() : dump_json(item));
    return join(parts, ",");
  }
  if (!value.is_object()) return dump_json(value);
  for (const auto& [key, item] : value.items()) {
    auto text = text_of(item);
    parts.push_back(text.empty() ? key : key + "=" + text);
  }
  return join(parts, ",");
}

Result<char> escaped(std::string_view rest) {
  switch (rest.empty() ? '\0' : rest.front()) {
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case '\\':
      return '\\';
    default:
      return fail(ErrorCode::invalid, "--format: a backslash stands before t, n or another backslash",
                  R"(write \\ for a backslash)");
  }
}

std::unexpected<Error> lone_brace() {
  return fail(ErrorCode::invalid, "--format: a brace stands alone",
              "write {name} for a field, and {{ or }} for a brace");
}

}  // namespace

Result<TemplateText> TemplateText::parse(std::string_view text, const api::Object& object) {
  TemplateText made;
  std::string literal;
  while (!text.empty()) {
    char first = text.front();
    bool doubled = text.size() > 1 && text[1] == first;
    if (first == '\\') {
      literal += TRY(escaped(text.substr(1)));
      text.remove_prefix(2);
    } else if ((first == '{' || first == '}') && doubled) {
      literal += first;
      text.remove_prefix(2);
    } else if (first == '{') {
      auto end = text.find('}');
      if (end == text.npos) return lone_brace();
      auto name = text.substr(1, end - 1);
      auto dot = name.find('.');
      auto field = name.substr(0, dot), key = dot == name.npos ? std::string_view() : name.substr(dot + 1);
      TRY(check_field(field, key, object));
      made.parts_.push_back({std::exchange(literal, {}), std::string(field), std::string(key)});
      text.remove_prefix(end + 1);
    } else if (first == '}') {
      return lone_brace();
    } else {
      literal += first;
      text.remove_prefix(1);
    }
  }
  made.parts_.push_back({literal + "\n"});
  return made;
}

std::string TemplateText::line(const Json& object) const {
  std::string line;
  for (const auto& part : parts_) {
    line += part.literal;
    auto value = part.field.empty() ? object.end() : object.find(part.field);
    if (value == object.end()) continue;  // a field that is absent now
    if (part.key.empty())
      line += safe_text(text_of(*value));
    else if (value->is_object() && value->contains(part.key))
      line += safe_text(text_of(value->at(part.key)));
  }
  return line;
}

Result<TemplateText> template_of(const Args& args, const api::Object& object) {
  for (auto other : {"json", "quiet", "names", "wide"})
    if (args.has(other))
      return fail(ErrorCode::invalid, fmt::format("--format and --{} exclude each other", other),
                  "leave out one of them");
  return TemplateText::parse(args.text("format").value_or(""), object);
}

}  // namespace banger::roles::cli
