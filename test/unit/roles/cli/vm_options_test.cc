// The options of the fields of a VM's spec, for all rows of the table.
#include "roles/cli/vm_options.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "roles/cli/commands.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {

const Option* option_of(std::string_view command, std::string_view name) {
  for (const auto* each : all_commands()) {
    if (full_name(*each) != command) continue;
    auto found = std::ranges::find(each->options, name, &Option::name);
    if (found != each->options.end()) return &*found;
  }
  return nullptr;
}

// A word of the option after parsing, and the value of this word.
std::pair<std::string, Json> example(const vm::Field& field) {
  if (field.is_number()) return {"64", 64};
  if (field.type == vm::FieldType::flag) return {"false", false};
  if (field.type == vm::FieldType::pairs) return {"key=value", {{"key", "value"}}};
  if (field.type == vm::FieldType::ports) return {"8080:80", Json::array({"8080:80"})};
  if (field.type == vm::FieldType::rules) return {"example.org:443", Json::array({"example.org:443"})};
  if (field.type == vm::FieldType::secrets) return {"TOKEN@example.org", Json::array({"TOKEN@example.org"})};
  if (field.type == vm::FieldType::choice) return {std::string(field.choices.back()), field.choices.back()};
  return {"debian", "debian"};
}

}  // namespace

TEST_CASE("vm options: each field that a user can give has an option") {
  for (const auto& field : vm::kFields) {
    INFO(field.name);
    const auto* create = option_of("vm create", field.option);
    CHECK((create != nullptr) == field.has_option());
    if (create) CHECK(create->help == field.option_help.create);
    const auto* set = option_of("vm set", field.option);
    CHECK((set != nullptr) == field.can_change());
    if (set) CHECK(set->help == field.option_help.for_set());
  }
}

TEST_CASE("vm options: a given option is the parameter of its field, and nothing else is sent") {
  CHECK(given_shape(Args{}).empty());
  for (const auto& field : vm::kFields) {
    if (!field.has_option()) continue;
    INFO(field.name);
    auto [word, value] = example(field);
    Args args;
    args.values[std::string(field.option)] = {word};
    CHECK(given_shape(args) == Json{{std::string(field.name), value}});
  }
}
