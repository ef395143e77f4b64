// The template of a VM: its spec, its key, its build and its end.
#include "engine/fleet/templates.h"

#include <functional>

#include "catch.h"
#include "engine/fixture.h"
#include "engine/fleet/manager.h"
#include "host/files.h"

using namespace banger;
using namespace banger::engine;

namespace {

constexpr std::uint64_t kGiB = 1024 * 1024 * 1024;

const TemplateInputs kInputs{
    .image_id = "image", .kernel_sha256 = "kernel", .agent_archive = "agent", .machine_build = "qemu"};

vm::Spec small_spec() {
  vm::Spec spec;
  spec.image = "debian-bookworm";
  spec.kernel = "6.1";
  spec.vcpus = 2;
  spec.memory_bytes = kGiB;
  spec.disk_bytes = 8 * kGiB;
  spec.system_bytes = 8 * kGiB;
  return spec;
}

std::string key_with(const std::function<void(TemplateInputs&, vm::Spec&)>& change) {
  auto inputs = kInputs;
  auto spec = small_spec();
  change(inputs, spec);
  return template_key(inputs, spec);
}

const config::Config kConfig;
constexpr vm::HostSize kHost{.cpus = 8, .memory_bytes = 64 * kGiB};

}  // namespace

TEST_CASE("template key: the same inputs have the same key, a hash in hex") {
  auto key = template_key(kInputs, small_spec());
  CHECK(key == template_key(kInputs, small_spec()));
  CHECK(key.size() == 64);
  CHECK(key.find_first_not_of("0123456789abcdef") == std::string::npos);
}

TEST_CASE("template key: everything that a template's state depends on changes it") {
  auto key = template_key(kInputs, small_spec());
  CHECK(key != key_with([](auto& inputs, auto&) { inputs.image_id = "other"; }));
  CHECK(key != key_with([](auto& inputs, auto&) { inputs.kernel_sha256 = "other"; }));
  CHECK(key != key_with([](auto& inputs, auto&) { inputs.agent_archive = "other"; }));
  CHECK(key != key_with([](auto& inputs, auto&) { inputs.machine_build = "other"; }));
  CHECK(key != key_with([](auto&, auto& spec) { spec.vcpus = 3; }));
  CHECK(key != key_with([](auto&, auto& spec) { spec.memory_bytes *= 2; }));
  CHECK(key != key_with([](auto&, auto& spec) { spec.disk_bytes *= 2; }));
  CHECK(key != key_with([](auto&, auto& spec) { spec.system_bytes *= 2; }));
  CHECK(key != key_with([](auto&, auto& spec) { spec.network = vm::Network::bridge; }));
  CHECK(key != key_with([](auto&, auto& spec) { spec.storage = vm::Storage::copy; }));
}

TEST_CASE("template key: the clone's own settings do not change it") {
  auto key = template_key(kInputs, small_spec());
  CHECK(key == key_with([](auto&, auto& spec) { spec.environment["A"] = "b"; }));
  CHECK(key == key_with([](auto&, auto& spec) { spec.labels["a"] = "b"; }));
}

TEST_CASE("template key: the place of the cache does not change it") {
  CHECK(template_key(kInputs, small_spec()) ==
        key_with([](auto& inputs, auto&) { inputs.agent_archive = "/elsewhere/agent"; }));
}

TEST_CASE("template key: a value cannot be mistaken for its neighbour") {
  CHECK(key_with([](auto& inputs, auto&) {
          inputs.image_id = "a\nb";
          inputs.kernel_sha256 = "c";
        }) != key_with([](auto& inputs, auto&) {
          inputs.image_id = "a";
          inputs.kernel_sha256 = "b\nc";
        }));
}

TEST_CASE("template spec: the spec has the sizes of the VM, and none of its own settings") {
  auto spec = small_spec();
  spec.labels["team"] = "a";
  spec.environment["A"] = "b";
  spec.storage = vm::Storage::copy;
  spec.network = vm::Network::bridge;
  auto shape = template_spec(spec, kConfig, kHost);
  CHECK(shape.image == spec.image);
  CHECK(shape.kernel == spec.kernel);
  CHECK(shape.vcpus == spec.vcpus);
  CHECK(shape.memory_bytes == spec.memory_bytes);
  CHECK(shape.storage == spec.storage);
  CHECK(shape.network == spec.network);
  CHECK(shape.labels.empty());
  CHECK(shape.environment.empty());
}

TEST_CASE("template spec: disks are no larger than the default ones") {
  auto spec = small_spec();
  spec.disk_bytes = 100 * kGiB;
  spec.system_bytes = 2 * kGiB;
  auto shape = template_spec(spec, kConfig, kHost);
  CHECK(shape.disk_bytes == 8 * kGiB);
  CHECK(shape.system_bytes == 2 * kGiB);
}

TEST_CASE("template spec: only Firecracker's templates can lack the outside") {
  auto spec = small_spec();
  spec.nat = false;
  CHECK(template_spec(spec, kConfig, kHost).nat);
  config::Config firecracker;
  firecracker.machine = config::MachineChoice::firecracker;
  CHECK_FALSE(template_spec(spec, firecracker, kHost).nat);
}

namespace {

struct Fixture : test::Fixture {
  TemplateRequest request() {
    return {.spec = small_spec(), .image = *daemon->images.get("tiny"), .kernel = *daemon->kernels.get("tiny")};
  }
  Result<store::SaveRow> find_or_build(VmManager& vms, AfterFailure after = AfterFailure::gives_up) {
    host::Cancel never(daemon->runtime);
    return run(vms.templates().find_or_build(request(), stages, never, after));
  }
};

}  // namespace

TEST_CASE("templates: a template is built once, from a guest that is removed afterwards") {
  Fixture f;
  VmManager vms(f.daemon->services);
  auto built = f.find_or_build(vms);
  INFO((built ? "" : built.error().sentence()));
  REQUIRE(built);
  CHECK(built->kind == store::SaveKind::template_);
  CHECK(built->ready);
  CHECK(built->has_memory());
  CHECK(vms.registry().everything().empty());
  CHECK(f.host.running().empty());
  auto again = f.find_or_build(vms);
  REQUIRE(again);
  CHECK(again->id == built->id);
}

TEST_CASE("templates: a guest that hangs while it boots boots again with new memory") {
  Fixture f;
  VmManager vms(f.daemon->services);
  f.host.hanging_boots = 1;
  auto built = f.find_or_build(vms);
  INFO((built ? "" : built.error().sentence()));
  REQUIRE(built);
  CHECK(f.host.processes.size() == 2);
}

TEST_CASE("templates: a caller reads which guest boots, and how to make the template ahead of time") {
  Fixture f;
  auto request = f.request();
  request.spec.vcpus = 2;
  request.spec.memory_bytes = 1536ull << 20;
  CHECK(build_notice(request) ==
        "a guest of tiny with 2 vcpu and 1.5G of memory boots once, and later VMs like it start much faster "
        "(hint: 'banger template build --image tiny --vcpu 2 --memory 1536M' does this ahead of time)");
}

TEST_CASE("templates: a failed build is not repeated at once, unless a caller asks for it") {
  Fixture f;
  VmManager vms(f.daemon->services);
  f.log.fail_on("vmm start");
  REQUIRE_FALSE(f.find_or_build(vms));
  CHECK(vms.registry().everything().empty());
  CHECK(f.daemon->saves.list(store::SaveKind::template_).empty());
  f.log.heal();
  REQUIRE_FALSE(f.find_or_build(vms));
  CHECK_FALSE(f.log.has("vmm start"));
  f.log.fail_on("vmm start");
  REQUIRE_FALSE(f.find_or_build(vms, AfterFailure::tries_again));
  CHECK(f.log.has("vmm start"));
  f.log.heal();
  CHECK(f.find_or_build(vms, AfterFailure::tries_again));
}

TEST_CASE("templates: a template with changed files is built again") {
  Fixture f;
  VmManager vms(f.daemon->services);
  auto built = f.find_or_build(vms);
  REQUIRE(built);
  REQUIRE(host::write_file(f.daemon->saves.disk(built->id, capabilities::kSystemDisk), "other"));
  auto again = f.find_or_build(vms);
  REQUIRE(again);
  CHECK(again->id != built->id);
}

TEST_CASE("templates: a template of another VMM build is retired, and a usable template stays") {
  Fixture f;
  VmManager vms(f.daemon->services);
  auto built = f.find_or_build(vms);
  REQUIRE(built);
  CHECK(f.run(vms.templates().retire_orphans()));
  CHECK(f.daemon->saves.list(store::SaveKind::template_).size() == 1);
  f.host.build_key = "fake build 2";
  CHECK(f.run(vms.templates().retire_orphans()));
  CHECK(f.run_until([&] { return f.daemon->saves.list(store::SaveKind::template_).empty(); }));
}
