// Objects to JSON and back.
#include <nlohmann/json.hpp>
#include <set>

#include "api/method.h"
#include "api/objects/file.h"
#include "api/objects/vm.h"
#include "catch.h"

using namespace banger;
using namespace banger::api;

namespace {

VmObject some_vm() {
  VmObject vm;
  vm.id = "abc123";
  vm.name = "web";
  vm.state = vm::State::running;
  vm.vcpus = 4;
  vm.memory_bytes = std::uint64_t{1} << 40;
  vm.labels = {{"a", "b"}};
  vm.pid = 42;
  vm.started_from = "clone";
  vm.template_id = "t1";
  vm.metrics = Metrics{{"disk_reads", 7}};
  vm.stages = {{.name = "boot", .ms = 12.5}};
  return vm;
}

std::string problem(const Json& json) {
  auto vm = read<VmObject>(json);
  return vm ? "" : vm.error().message;
}

}  // namespace

TEST_CASE("objects: a VM becomes JSON by its table, and the same VM again") {
  auto json = to_json(some_vm());
  CHECK(json["state"] == "running");
  CHECK(json["memory_bytes"] == std::uint64_t{1} << 40);
  CHECK(json["way"] == "clone");
  CHECK(json["template"] == "t1");
  CHECK(json["labels"] == Json{{"a", "b"}});
  CHECK(json["stages"] == Json::parse(R"([{"name": "boot", "ms": 12.5}])"));
  CHECK(json["metrics"] == Json{{"disk_reads", 7}});
  auto again = read<VmObject>(json);
  REQUIRE(again);
  CHECK(to_json(*again) == json);
}

TEST_CASE("objects: a field without a value is null or left out") {
  auto json = to_json(VmObject());
  CHECK(json.at("pid").is_null());
  CHECK(json.at("metrics").is_null());
  CHECK_FALSE(json.contains("restart_needed"));
  CHECK_FALSE(to_json(FileObject()).contains("target_type"));
  VmObject changed;
  changed.restart_needed.emplace();
  CHECK(to_json(changed).at("restart_needed") == Json::array());
}

TEST_CASE("objects: an older or newer daemon is understood") {
  auto vm = read<VmObject>({{"name", "web"}, {"pid", nullptr}, {"colour", "blue"}});
  REQUIRE(vm);
  CHECK(vm->name == "web");
  CHECK_FALSE(vm->pid);
  CHECK(vm->vcpus == 0);
}

TEST_CASE("objects: a field of another type is named") {
  CHECK(problem({{"name", 1}}) == "field 'name': must be a string");
  CHECK(problem({{"vcpus", -1}}) == "field 'vcpus': is out of range");
  CHECK(problem({{"vcpus", "4"}}) == "field 'vcpus': must be a whole number");
  CHECK(problem({{"state", "asleep"}}).starts_with("field 'state': "));
  CHECK(problem({{"labels", {{"a", 1}}}}) == "field 'labels': must be a string");
  CHECK(problem({{"stages", {{{"ms", "x"}}}}}) == "field 'stages': field 'ms': must be a number");
  CHECK(problem(Json::array()) == "the VM object is not a JSON object");
}

TEST_CASE("objects: every result is described in one chapter, with all objects it contains") {
  std::set<const Object*> described;
  for (const auto* group : groups())
    for (const auto* object : group->objects) CHECK(described.insert(object).second);
  for (const auto* group : groups())
    for (const auto& method : group->methods) CHECK((!method.result || described.contains(method.result)));
  for (const auto* object : described)
    for (const auto& field : object->fields) {
      INFO(object->name << "." << field.name);
      CHECK_FALSE(field.help.empty());
      CHECK_FALSE(field.help.ends_with('.'));
      CHECK((field.type == Type::object || field.type == Type::objects) == (field.object != nullptr));
      CHECK((!field.object || described.contains(field.object)));
    }
}
