// Making a machine's config from a record and the capabilities, without a machine.
#include "engine/vm/launch.h"

#include "catch.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;
using banger::test::Fixture;

namespace {

MachineParts boot_parts() {
  return {.token = "token",
          .reason = "a test",
          .metrics = true,
          .memory_file = "/memory",
          .kernel = "/vmlinux",
          .initrds = {"/agent", "/guest"},
          .restore = {}};
}

}  // namespace

TEST_CASE("launch: a machine that boots has the sizes of its spec, a kernel and the disks of its VM") {
  Fixture f;
  auto vm = f.stopped();
  auto context = vm_context(vm->parts());
  REQUIRE(context);
  auto config = machine_config(*context, boot_parts());
  REQUIRE(config);
  CHECK(config->id == vm->record().id());
  CHECK(config->token == "token");
  CHECK(config->vcpus == vm->record().spec().vcpus);
  CHECK(config->memory_bytes == vm->record().spec().memory_bytes);
  CHECK(config->kernel == "/vmlinux");
  CHECK(config->initrds == std::vector<std::string>{"/agent", "/guest"});
  CHECK(config->memory_file == "/memory");
  CHECK(config->metrics);
  CHECK(!config->restore);
  REQUIRE(config->drives.size() == 3);
  CHECK(config->drives[0].read_only);
  CHECK(config->drives[1].path == vm->parts().disks.directory() + "/system.img");
  CHECK(config->nics.size() == 1);
}

TEST_CASE("launch: a restored machine has the saved sizes, and needs no kernel") {
  Fixture f;
  auto vm = f.stopped();
  auto context = vm_context(vm->parts());
  REQUIRE(context);
  auto parts = boot_parts();
  auto saved = f.small_spec();
  saved.vcpus = 3;
  saved.memory_bytes *= 2;
  parts.restore = MachineParts::Restore{.spec = saved, .state = {.devices = "/devices", .memory = "/memory"}};
  auto config = machine_config(*context, parts);
  REQUIRE(config);
  CHECK(config->vcpus == 3);
  CHECK(config->memory_bytes == saved.memory_bytes);
  REQUIRE(config->restore);
  CHECK(config->restore->devices == "/devices");
  CHECK(config->kernel.empty());
  CHECK(config->initrds.empty());
  CHECK(config->memory_file.empty());
}

TEST_CASE("launch: the plan is recorded before the start, and the process before any wait") {
  Fixture f;
  auto vm = f.stopped();
  f.log.fail_on("vmm ready");
  CHECK(!f.start(*vm));
  auto& log = f.log;
  CHECK(log.in_order("store journal process", "vmm start"));
  auto started = log.find("vmm start"), ready = log.find("vmm ready");
  CHECK(ready == started + 2);
  CHECK(log.steps()[started + 1] == "store vm starting");
}
