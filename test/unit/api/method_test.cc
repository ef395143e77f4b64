// Parameter checks with the tables of all methods.
#include "api/method.h"

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "api/objects/vm.h"
#include "catch.h"
#include "vm/fields.h"

using namespace banger;
using namespace banger::api;

namespace {

Json value_of(const Parameter& parameter) {
  if (!parameter.choices.empty()) return parameter.choices.front();
  switch (parameter.type) {
    case Type::integer:
      return std::max<std::int64_t>(parameter.least, 1);
    case Type::boolean:
      return true;
    case Type::texts:
      return Json::array({"a"});
    case Type::text_map:
      return Json{{"a", "b"}};
    case Type::path:
      return "/a";
    default:
      return "a";
  }
}

Json wrong_value_of(const Parameter& parameter) {
  return parameter.type == Type::text || parameter.type == Type::path ? Json(1) : Json(1.5);
}

Json all_params(const Method& method) {
  Json params = Json::object();
  for (const auto& parameter : method.parameters) params[std::string(parameter.name)] = value_of(parameter);
  return params;
}

std::string refusal(std::string_view method, const Json& params) {
  auto checked = check_params(*find_method(method), params);
  return checked ? "" : checked.error().sentence();
}

template <class Each>
void for_each_method(Each each) {
  for (const auto* group : groups())
    for (const auto& method : group->methods) {
      INFO(method.name);
      each(method);
    }
}

}  // namespace

TEST_CASE("methods: names are unique and no text is missing") {
  std::set<std::string_view> names;
  for_each_method([&](const Method& method) {
    CHECK(names.insert(method.name).second);
    CHECK(find_method(method.name) == &method);
    CHECK_FALSE(method.summary.empty());
    CHECK_FALSE(method.summary.ends_with('.'));
    CHECK((method.shape == Shape::stream) == !method.stream.empty());
    for (const auto& parameter : method.parameters) {
      INFO(parameter.name);
      CHECK_FALSE(parameter.help.empty());
      CHECK_FALSE(parameter.help.ends_with('.'));
      CHECK((parameter.initial.empty() || !parameter.required));
    }
  });
  CHECK(names.size() == 70);
  CHECK(find_method("vm.lst") == nullptr);
}

TEST_CASE("methods: accept all parameters together, and the required ones alone") {
  for_each_method([](const Method& method) {
    auto params = all_params(method);
    CHECK(check_params(method, params));
    for (const auto& parameter : method.parameters)
      if (!parameter.required) params[std::string(parameter.name)] = nullptr;
    CHECK(check_params(method, params));
    for (const auto& parameter : method.parameters)
      if (!parameter.required) params.erase(std::string(parameter.name));
    CHECK(check_params(method, params));
  });
}

TEST_CASE("methods: every one refuses an unknown parameter") {
  for_each_method([](const Method& method) {
    auto params = all_params(method);
    params["zzz"] = 1;
    auto checked = check_params(method, params);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == ErrorCode::invalid);
    CHECK(checked.error().message == "unknown parameter 'zzz'");
    CHECK_FALSE(checked.error().hint.empty());
  });
}

TEST_CASE("methods: every one refuses a parameter of another type") {
  for_each_method([](const Method& method) {
    for (const auto& parameter : method.parameters) {
      INFO(parameter.name);
      auto params = all_params(method);
      params[std::string(parameter.name)] = wrong_value_of(parameter);
      auto checked = check_params(method, params);
      REQUIRE_FALSE(checked);
      CHECK(checked.error().message.starts_with("parameter '" + std::string(parameter.name) + "' must be "));
    }
  });
}

TEST_CASE("methods: a path in a guest may have any bytes but NUL") {
  for (auto method : {"vm.stat_file", "vm.get_files", "vm.put_files"}) {
    INFO(method);
    CHECK(refusal(method, {{"vm", "web"}, {"path", {{"base64", "L/8="}}}}) == "");
    CHECK(refusal(method, {{"vm", "web"}, {"path", {{"base64", "LwA="}}}}) ==
          "parameter 'path' must be a byte string without NUL");
  }
  CHECK(refusal("vm.show", {{"vm", {{"base64", "L/8="}}}}) == "parameter 'vm' must be a string");
}

TEST_CASE("methods: every one refuses a call without a required parameter") {
  for_each_method([](const Method& method) {
    for (const auto& parameter : method.parameters) {
      if (!parameter.required) continue;
      INFO(parameter.name);
      for (bool null : {false, true}) {
        auto params = all_params(method);
        params.erase(std::string(parameter.name));
        if (null) params[std::string(parameter.name)] = nullptr;
        auto checked = check_params(method, params);
        REQUIRE_FALSE(checked);
        CHECK(checked.error().message == "missing parameter '" + std::string(parameter.name) + "'");
      }
    }
  });
}

TEST_CASE("methods: a refusal has a way out") {
  CHECK(refusal("vm.create", {{"naem", "x"}}) == "unknown parameter 'naem' (hint: did you mean 'name'?)");
  CHECK(refusal("vm.list", {{"vm", "x"}}) == "unknown parameter 'vm' (hint: vm.list takes no parameters)");
  CHECK(refusal("vm.delete", {{"zzzzzz", 1}}) == "unknown parameter 'zzzzzz' (hint: vm.delete takes vm, force)");
  CHECK(refusal("vm.show", Json::object()) ==
        "missing parameter 'vm' (hint: give vm: A name, an id or a unique id prefix)");
  CHECK(refusal("vm.start", {{"vm", "x"}, {"wait", "forever"}}) == "parameter 'wait' must be \"agent\" or \"system\"");
  CHECK(refusal("vm.create", {{"network", "x"}}) == "parameter 'network' must be \"auto\", \"user\" or \"bridge\"");
  CHECK(refusal("vm.fork", {{"vm", "x"}, {"count", 65}}) == "parameter 'count' must be between 1 and 64");
  CHECK(refusal("vm.tunnel", {{"vm", "x"}, {"port", 0}}) == "parameter 'port' must be between 1 and 65535");
  CHECK(refusal("vm.set", {{"vm", "x"}, {"vcpus", UINT64_MAX}}) == "parameter 'vcpus' must be below 2^63");
  CHECK(refusal("image.import", {{"name", "x"}, {"tar", "here"}}) == "parameter 'tar' must be an absolute path");
  CHECK(refusal("vm.create", {{"labels", {{"a", 1}}}}) == "parameter 'labels' must be an object of strings");
  CHECK(refusal("vm.fork", {{"vm", "x"}, {"names", {1}}}) == "parameter 'names' must be a list of strings");
  CHECK(refusal("vm.list", Json::array()) == "the parameters must be an object");
}

// To write the seed anew: BANGER_WRITE_SEED=1 unit_api "methods: the seed of the fuzzer*"
TEST_CASE("methods: the seed of the fuzzer has one call of each") {
  constexpr const char* kPath = BANGER_SOURCE_DIR "/test/fuzz/seeds/fuzz_rpc/calls";
  std::string calls;
  int id = 0;
  for_each_method([&](const Method& method) {
    Json call = {{"jsonrpc", "2.0"}, {"id", ++id}, {"method", method.name}, {"params", all_params(method)}};
    calls += dump_json(call) + "\n";
  });
  if (std::getenv("BANGER_WRITE_SEED")) std::ofstream(kPath) << calls;
  std::ifstream file(kPath);
  std::string seed(std::istreambuf_iterator<char>(file), {});
  CHECK(seed == calls);
}

TEST_CASE("methods: a VM's fields are parameters where they can be given, and the VM object has them") {
  auto has = [](std::string_view method, std::string_view name) {
    return std::ranges::find(find_method(method)->parameters, name, &Parameter::name) !=
           find_method(method)->parameters.end();
  };
  for (const auto& field : vm::kFields) {
    INFO(field.name);
    CHECK(has("vm.create", field.name));
    CHECK(has("vm.set", field.name) == field.can_change());
    // An environment may contain secrets.
    bool described =
        std::ranges::find(VmObject::kObject.fields, field.name, &Field::name) != VmObject::kObject.fields.end();
    CHECK(described == (field.name != "environment"));
  }
}
