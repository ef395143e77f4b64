// The table of a spec's fields. Each test goes over all rows, so that a new field is tested by its row.
#include "vm/fields.h"

#include <nlohmann/json.hpp>
#include <set>

#include "catch.h"

using namespace banger;
using vm::Change;
using vm::Field;
using vm::FieldType;
using vm::InTemplate;
using vm::kFields;

namespace {

// A value of the field that differs from that in `spec`.
Json other_value(const Field& field, const vm::Spec& spec) {
  auto now = vm::field_value(field, spec);
  if (field.is_number()) return now.get<std::uint64_t>() + 1;
  if (field.type == FieldType::flag) return !now.get<bool>();
  if (field.type == FieldType::pairs) return Json{{"key", "value"}};
  if (field.type == FieldType::ports) return Json::array({"127.0.0.1:8080:80"});
  if (field.type == FieldType::rules) return Json::array({"example.org:443"});
  if (field.type == FieldType::secrets) return Json::array({"TOKEN@example.org"});
  if (field.type == FieldType::choice)
    return now == field.choices.back() ? field.choices[field.choices.size() - 2] : field.choices.back();
  return "another";
}

vm::Spec with_other(const Field& field, vm::Spec spec) {
  auto changed = vm::spec_over(spec, {{std::string(field.name), other_value(field, spec)}});
  REQUIRE(changed);
  return *changed;
}

// A spec in which no field has its initial value.
vm::Spec all_others() {
  vm::Spec spec;
  for (const auto& field : kFields) spec = with_other(field, spec);
  return spec;
}

template <class Each>
void for_each_field(Each each) {
  for (const auto& field : kFields) {
    INFO(field.name);
    each(field);
  }
}

}  // namespace

TEST_CASE("fields: names are unique, and every text exists without its full stop") {
  std::set<std::string_view> names, options;
  for_each_field([&](const Field& field) {
    CHECK(names.insert(field.name).second);
    CHECK((!field.has_option() || options.insert(field.option).second));
    CHECK(field.has_option() == !field.option_help.create.empty());
    CHECK((field.type == FieldType::choice) == !field.choices.empty());
    CHECK((field.initial.empty() || field.config_key.empty()));
    for (auto text : {field.doc.create, field.doc.for_set()}) {
      CHECK_FALSE(text.empty());
      CHECK_FALSE(text.ends_with('.'));
    }
  });
}

TEST_CASE("fields: a record has every field and reads back the same") {
  auto spec = all_others();
  auto json = vm::to_json(spec);
  CHECK(json.size() == std::size(kFields));
  auto back = vm::spec_from_json(json);
  REQUIRE(back);
  for_each_field([&](const Field& field) {
    CHECK(json.at(std::string(field.name)) == vm::field_value(field, spec));
    CHECK(vm::field_value(field, *back) == vm::field_value(field, spec));
    CHECK(vm::field_value(field, spec) != vm::field_value(field, vm::Spec{}));
  });
}

TEST_CASE("fields: a field that an old record lacks has its initial value or is an error by name") {
  for_each_field([](const Field& field) {
    auto json = vm::to_json(all_others());
    json.erase(std::string(field.name));
    auto spec = vm::spec_from_json(json);
    REQUIRE(spec.has_value() == (field.absent == vm::Absent::initial));
    if (spec)
      CHECK(vm::field_value(field, *spec) == vm::field_value(field, vm::Spec{}));
    else
      CHECK(spec.error().message == "missing field '" + std::string(field.name) + "'");
  });
}

TEST_CASE("fields: a value of another type is refused") {
  for_each_field([](const Field& field) {
    auto json = vm::to_json(all_others());
    json[std::string(field.name)] = Json::array({1.5});
    CHECK(vm::spec_from_json(json).error().code == ErrorCode::invalid);
  });
}

TEST_CASE("fields: a given value replaces a field, and null or an absent value keeps it") {
  for_each_field([](const Field& field) {
    vm::Spec base;
    auto changed = with_other(field, base);
    for (const auto& other : kFields)
      CHECK((vm::field_value(other, changed) != vm::field_value(other, base)) == (&other == &field));
    auto null = vm::spec_over(changed, {{std::string(field.name), nullptr}});
    REQUIRE(null);
    CHECK(vm::field_value(field, *null) == vm::field_value(field, changed));
  });
}

TEST_CASE("fields: a change needs a restart as its row says") {
  for_each_field([](const Field& field) {
    for (auto taken : {vm::Taken::no, vm::Taken::yes}) {
      vm::Spec before;
      auto needed = vm::restart_needed(before, with_other(field, before), taken);
      bool waits =
          field.change == Change::at_start || (field.change == Change::at_start_unless_taken && taken == vm::Taken::no);
      CHECK(needed == (waits ? std::vector{std::string(field.name)} : std::vector<std::string>()));
    }
  });
}

TEST_CASE("fields: a template has its clones' common fields, and its key the distinguishing ones") {
  auto spec = all_others();
  auto part = vm::template_part(spec);
  auto key = vm::template_key_fields(spec);
  for_each_field([&](const Field& field) {
    const auto& from = field.in_template == InTemplate::no ? vm::Spec{} : spec;
    CHECK(vm::field_value(field, part) == vm::field_value(field, from));
    CHECK(key.contains(std::string(field.name)) == (field.in_template == InTemplate::key));
  });
}

TEST_CASE("fields: whoever names hosts means these alone, unless a policy is given") {
  vm::Spec open, closed, named;
  closed.egress = "none";
  named.egress = "ci";
  auto egress_of = [](const vm::Spec& base, const Json& given) {
    auto spec = vm::wanted_spec(base, given);
    REQUIRE(spec);
    return spec->egress;
  };
  Json hosts = Json::array({"example.org"});
  CHECK(egress_of(open, {{"allow", hosts}}) == "none");
  CHECK(egress_of(open, {{"allow", hosts}, {"egress", nullptr}}) == "none");
  CHECK(egress_of(open, {{"allow", hosts}, {"egress", "open"}}) == "open");
  CHECK(egress_of(open, {{"allow", hosts}, {"egress", "ci"}}) == "ci");
  CHECK(egress_of(open, {{"allow", Json::array()}}) == "open");
  CHECK(egress_of(open, {{"allow", nullptr}}) == "open");
  CHECK(egress_of(open, Json::object()) == "open");
  CHECK(egress_of(closed, {{"allow", Json::array()}}) == "none");
  CHECK(egress_of(named, {{"allow", hosts}}) == "ci");
  // Rules that the base has already are no wish of the user.
  open.allow = {"192.168.1.5"};
  CHECK(egress_of(open, {{"nat", true}}) == "open");
  CHECK(vm::wanted_spec(open, {{"allow", hosts}})->allow == std::vector<std::string>{"example.org"});
  CHECK(vm::wanted_spec(open, {{"allow", "example.org"}}).error().code == ErrorCode::invalid);
}
