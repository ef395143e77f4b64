#include "engine/fixture.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "capabilities/resource_host.h"
#include "catch.h"
#include "engine/fleet/registry.h"
#include "ext4/ext4.h"
#include "host/files.h"
#include "image/kernel/manifest.h"
#include "image/manifest.h"

namespace banger::test {

using engine::VmOwner;
using vm::State;

namespace {

constexpr const char* kImageId = "tinyimage000";
constexpr const char* kKernel = "tiny";
constexpr std::uint64_t kDisk = 64 * limits::kMiB;

}  // namespace

FakeDaemon::FakeDaemon(const host::Paths& paths, const config::Config& config, CallLog& calls, FakeHost& host,
                       FakePrivileged& privileged, const std::string& agent_program,
                       const MakeResources& make_resources)
    : store(std::move(*store::Store::open(paths.database()))),
      kernels(runtime, paths.kernels(), paths.cache, ""),
      images(runtime, paths.images(), paths.cache, ""),
      no_helper(runtime, log, paths, config, paths.state + "/no-helper"),
      vmms(runtime, host),
      initramfs(runtime, paths, agent_program),
      saves(runtime, log, paths, *store),
      resources(make_resources ? engine::HostResources(make_resources(*store))
                               : engine::HostResources({.runtime = runtime,
                                                        .log = log,
                                                        .paths = paths,
                                                        .config = config,
                                                        .store = *store,
                                                        .privileged = privileged,
                                                        .network = privileged,
                                                        .egress = egress,
                                                        .firecracker = [this] { return vmms.firecracker(); }})),
      services{.runtime = runtime,
               .log = log,
               .paths = paths,
               .config = config,
               .store = *store,
               .kernels = kernels,
               .images = images,
               .vmms = vmms,
               .initramfs = initramfs,
               .saves = saves,
               .privileged = no_helper,
               .resources = resources,
               .egress = egress,
               .host_size = {.cpus = 4, .memory_bytes = 16 * limits::kGiB},
               .building_image = building_image,
               .pulling_kernel = pulling_kernel} {
  store->observe_writes([&calls](std::string_view table, std::string_view what) {
    return calls.step(fmt::format("store {} {}", table, what));
  });
  REQUIRE(saves.load());
  REQUIRE(resources.load());
}

Fixture::Fixture(MakeResources make_resources) : make_resources_(std::move(make_resources)) {
  paths = {.home = directory.path(),
           .config_file = directory / "config.toml",
           .state = directory / "state",
           .data = directory / "data",
           .cache = directory / "cache"};
  for (const auto& path : {paths.state, paths.run(), paths.vms(), paths.saves(), paths.cache})
    REQUIRE(host::make_private_directory(path));
  make_kernel();
  make_image();
  REQUIRE(host::write_file(directory / "agent", "the agent's program"));
  host.guest_token = [this](const machine::MachineConfig& machine) { return guest_token(machine); };
  log.on_crash = [this] { keep_files(); };
  restart();
}

// Keeps hard links to all files at the moment of the crash, because the test's daemon runs on for a moment and may
// remove files.
void Fixture::keep_files() {
  std::filesystem::copy(paths.state, directory / "at-crash",
                        std::filesystem::copy_options::recursive | std::filesystem::copy_options::create_hard_links);
}

void Fixture::put_files_back() {
  for (const auto& path : {paths.vms(), paths.saves()}) {
    std::filesystem::remove_all(path);
    std::filesystem::rename(directory / "at-crash" + path.substr(paths.state.size()), path);
  }
}

void Fixture::make_kernel() {
  auto place = paths.kernels() + "/" + kKernel;
  std::filesystem::create_directories(place);
  REQUIRE(host::write_file(place + "/vmlinux", "a kernel"));
  image::Kernel kernel;
  kernel.source = "import";
  kernel.sha256 = std::string(64, 'a');
  REQUIRE(image::write_kernel_manifest(place + "/manifest.json", kernel, {}));
}

void Fixture::make_image() {
  auto place = paths.images() + "/" + kImageId;
  std::filesystem::create_directories(place);
  for (const char* file : {"/rootfs.ext4", "/work-seed.ext4"})
    REQUIRE(ext4::make_empty_ext4(place + file, {.label = "tiny", .size_bytes = kDisk, .uuid_seed = file}));
  image::Image image;
  image.name = "tiny";
  image.source = "import";
  image.kernel = kKernel;
  image.sha256 = std::string(64, 'b');
  image.rootfs_bytes = kDisk;
  image.init = guest::InitKind::systemd;
  REQUIRE(image::write_image_manifest(place, image));
}

void Fixture::restart() {
  daemon.reset();
  if (log.crashed()) put_files_back();
  log.heal();
  daemon = std::make_unique<FakeDaemon>(paths, config, log, host, privileged, directory / "agent", make_resources_);
}

// A booted guest knows the token of its start. A restored guest knows the token of the saved guest.
std::string Fixture::guest_token(const machine::MachineConfig& machine) const {
  for (const auto& row : *daemon->store->vms()) {
    if (row.id != machine.id) continue;
    return machine.restore ? daemon->saves.get(row.save_id)->link_token : row.link_token;
  }
  return std::string(32, '0');
}

bool Fixture::run_until(std::function<bool()> condition) {
  auto wait = [](host::Runtime& runtime, std::function<bool()> holds) -> Task<bool> {
    auto deadline = host::after(std::chrono::minutes(1));
    while (!holds() && host::Clock::now() < deadline) co_await runtime.sleep_for(std::chrono::milliseconds(1));
    co_return holds();
  };
  return test::run(daemon->runtime, wait(daemon->runtime, std::move(condition)));
}

bool Fixture::run_until(VmOwner& vm, State state) {
  return run_until([&vm, state] { return vm.state() == state; });
}

vm::Spec Fixture::small_spec() {
  vm::Spec spec;
  spec.image = "tiny";
  spec.kernel = kKernel;
  spec.memory_bytes = 64 * limits::kMiB;
  spec.disk_bytes = spec.system_bytes = 2 * kDisk;
  return spec;
}

store::VmRow Fixture::new_row(std::string name, const vm::Spec& spec) const {
  store::VmRow row;
  row.id = host::random_id();
  row.name = std::move(name);
  row.state = vm::to_string(State::creating);
  row.spec = dump_json(vm::to_json(spec));
  row.image_id = kImageId;
  row.kernel = kKernel;
  row.created_at = 1'700'000'000;
  return row;
}

std::shared_ptr<VmOwner> Fixture::record(store::VmRow row) {
  auto number = daemon->store->insert_vm(row, {});
  REQUIRE(number);
  row.number = *number;
  auto spec = vm::spec_from_json(*parse_json(row.spec, limits::kRpcMessageBytes));
  REQUIRE(spec);
  daemon->saves.use(row.save_id);
  return std::make_shared<VmOwner>(daemon->services, std::move(row), std::move(*spec));
}

std::shared_ptr<VmOwner> Fixture::stopped(std::string name) {
  auto vm = record(new_row(std::move(name)));
  host::Cancel never(daemon->runtime);
  REQUIRE(run(vm->make(stages, never)));
  return vm;
}

std::shared_ptr<VmOwner> Fixture::running(std::string name) {
  auto vm = stopped(std::move(name));
  auto started = start(*vm);
  INFO((started ? "" : started.error().sentence()));
  REQUIRE(started);
  return vm;
}

std::shared_ptr<VmOwner> Fixture::pooled() {
  auto row = new_row(".pool");
  row.purpose = store::Purpose::pool;
  auto vm = record(std::move(row));
  host::Cancel never(daemon->runtime);
  REQUIRE(run(vm->make(stages, never)));
  REQUIRE(start(*vm));
  return vm;
}

std::shared_ptr<VmOwner> Fixture::suspended(std::string name) {
  auto vm = running(std::move(name));
  auto done = suspend(*vm);
  INFO((done ? "" : done.error().sentence()));
  REQUIRE(done);
  return vm;
}

std::optional<store::VmRow> Fixture::row(const std::string& name) const {
  for (auto& row : *daemon->store->vms())
    if (row.name == name) return row;
  return std::nullopt;
}

std::shared_ptr<VmOwner> Fixture::load(const std::string& name) {
  engine::VmRegistry registry(daemon->services);
  REQUIRE(registry.load());
  return registry.find_exactly(name);
}

Result<> Fixture::start(VmOwner& vm, engine::WaitFor wait) {
  host::Cancel never(daemon->runtime);
  return run(vm.start(stages, never, wait));
}

Result<> Fixture::stop(VmOwner& vm, std::chrono::milliseconds timeout) {
  TRY(run(vm.stop(timeout)));
  return {};
}

Result<> Fixture::suspend(VmOwner& vm) { return run(vm.suspend(stages)); }

Result<engine::SavedVm> Fixture::save_as(VmOwner& vm, store::SaveKind kind, const std::string& name) {
  store::SaveRow wanted;
  wanted.kind = kind;
  wanted.name = name;
  return run(vm.save_as(std::move(wanted), stages));
}

std::string Fixture::mismatch() const {
  auto rows = *daemon->store->vms();
  for (const auto& process : host.running()) {
    auto row = std::ranges::find(rows, process->config.id, &store::VmRow::id);
    if (row == rows.end()) return "a machine runs, but the store has no record of its VM";
    if (!row->machine.contains(process->record.token)) return "a machine runs, but its VM's record has another token";
    if (row->state == "stopped") return "the VM is stopped, but its machine runs";
    if (row->state == "running" && process->paused) return "the VM is running, but its machine is paused";
    if (std::ranges::count(host.running(), process->config.id, [](const auto& p) { return p->config.id; }) > 1)
      return "one VM has two running machines";
  }
  for (const auto& row : rows)
    if (row.state == "running" && !host.of(row.id)) return "the VM is running, but it has no machine";
  return "";
}

}  // namespace banger::test
