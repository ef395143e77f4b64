// The requests, compared with the table of Firecracker's API that the stand-in uses too.
#include "machine/firecracker/requests.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "host/files.h"
#include "machine/firecracker/firecracker.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::firecracker;

namespace {

Json table() {
  auto text = host::read_file(std::string(BANGER_FAKES) + "/firecracker_api.json", 1 << 20);
  REQUIRE(text);
  return Json::parse(*text)["requests"];
}

bool fits_path(const std::string& pattern, const std::string& path) {
  auto brace = pattern.find('{');
  if (brace == pattern.npos) return pattern == path;
  return path.starts_with(pattern.substr(0, brace)) && path.size() > brace && path.find('/', brace) == path.npos;
}

void check_fields(const Json& spec, const Json& body) {
  for (const auto& name : spec["required"]) CHECK(body.contains(name.get<std::string>()));
  for (const auto& [name, value] : body.items()) {
    INFO(name);
    REQUIRE(spec["fields"].contains(name));
    Json field = spec["fields"][name];
    if (!field.is_object()) field = {{"type", field}};
    const auto& type = field["type"];
    if (type.is_array()) CHECK(std::ranges::find(type, value) != type.end());
    if (type == "string") CHECK(value.is_string());
    if (type == "boolean") CHECK(value.is_boolean());
    if (type == "integer") CHECK(value.is_number_integer());
    if (type == "object") CHECK(value.is_object());
    if (field.contains("fields"))
      for (const auto& each : value.is_array() ? value : Json::array({value})) check_fields(field, each);
  }
}

void check_known(const ApiRequest& request) {
  INFO(request.method << " " << request.path << " " << request.body);
  for (const auto& spec : table())
    if (spec["method"] == request.method && fits_path(spec["path"], request.path))
      return check_fields(spec, Json::parse(request.body));
  FAIL("not in the table");
}

MachineConfig config() {
  MachineConfig config{
      .id = "x", .token = "t", .directory = "/d", .vcpus = 2, .memory_bytes = 512ull << 20, .kernel = "/k/vmlinux"};
  config.initrds = {"/c/agent.cpio"};
  config.cmdline = "banger.test=1";
  config.drives = {{.serial = "rootfs", .path = "/i/rootfs.ext4", .read_only = true},
                   {.serial = "system", .path = "/d/system.img"}};
  return config;
}

MachineConfig restored() {
  auto from = config();
  from.restore = SavedState{.devices = "/s/devices", .memory = "/s/memory"};
  return from;
}

Json body_of(const std::vector<ApiRequest>& requests, std::string_view path) {
  for (const auto& request : requests)
    if (request.path == path) return Json::parse(request.body);
  FAIL("no request to " << path);
  return {};
}

}  // namespace

TEST_CASE("firecracker requests: all that is ever asked is in the table, and complete") {
  std::vector<Tap> taps = {{"net0", "bg-1", "02:00:00:00:00:01"}};
  for (const auto& request : boot_requests(config(), taps, {1, 17, 0})) check_known(request);
  auto restore = restore_requests(restored(), taps, {1, 12, 0});
  REQUIRE(restore);
  for (const auto& request : *restore) check_known(request);
  for (const auto& request :
       {resume_vm(), pause_vm(), action("SendCtrlAltDel"), create_snapshot({"/s/d", "/s/m"}), reopen_drive(1)})
    check_known(request);
}

TEST_CASE("firecracker requests: a boot, in an order Firecracker takes, with the start last") {
  auto requests = boot_requests(config(), {}, {1, 13, 1});
  std::vector<std::string> paths;
  for (const auto& request : requests) paths.push_back(request.path);
  CHECK(paths == std::vector<std::string>{"/machine-config", "/boot-source", "/drives/disk0", "/drives/disk1", "/vsock",
                                          "/entropy", "/actions"});
  auto boot = body_of(requests, "/boot-source");
  // With nomodule, which is Firecracker's own default, a modular kernel gets no further than its initramfs.
  CHECK(boot["boot_args"] ==
        "console=ttyS0 quiet reboot=k panic=1 i8042.noaux i8042.nomux i8042.dumbkbd banger.test=1");
  CHECK(boot["kernel_image_path"] == "/k/vmlinux");
  CHECK(boot["initrd_path"] == "initrd.img");
  CHECK(body_of(requests, "/machine-config")["mem_size_mib"] == 512);
  CHECK(body_of(requests, "/actions")["action_type"] == "InstanceStart");
}

TEST_CASE("firecracker requests: names in the machine's directory are relative, so that states load in others") {
  auto requests = boot_requests(config(), {}, {1, 13, 1});
  auto rootfs = body_of(requests, "/drives/disk0"), system = body_of(requests, "/drives/disk1");
  CHECK(rootfs["path_on_host"] == "disk0");
  CHECK(rootfs["is_read_only"] == true);
  CHECK(system["path_on_host"] == "disk1");
  CHECK(system["is_read_only"] == false);
  CHECK(system["cache_type"] == "Writeback");
  // A root device would be moved to the front, but the guest relies on the order alone.
  CHECK(rootfs["is_root_device"] == false);
  CHECK(body_of(requests, "/vsock")["uds_path"] == "vsock.sock");
}

TEST_CASE("firecracker requests: the drives share the limit, and a limit of 0 takes an earlier one away") {
  auto limited = config();
  CHECK(!body_of(boot_requests(limited, {}, {1, 13, 1}), "/drives/disk0").contains("rate_limiter"));
  limited.disk_limits = {.operations = 101, .bytes = 0};
  Json share = {{"size", 50}, {"refill_time", 1000}}, none = {{"size", 0}, {"refill_time", 0}};
  auto boot = boot_requests(limited, {}, {1, 13, 1});
  for (const auto* drive : {"/drives/disk0", "/drives/disk1"}) {
    auto limiter = body_of(boot, drive)["rate_limiter"];
    CHECK(limiter["ops"] == share);
    CHECK(limiter["bandwidth"] == none);
  }
  auto change = limit_drives({.operations = 0, .bytes = 100}, 2);
  REQUIRE(change.size() == 2);
  CHECK(change[1].method == "PATCH");
  CHECK(Json::parse(change[1].body)["rate_limiter"]["ops"] == none);
  CHECK(Json::parse(change[1].body)["rate_limiter"]["bandwidth"] == share);
  for (const auto& request : boot) check_known(request);
  for (const auto& request : change) check_known(request);
}

TEST_CASE("firecracker requests: a saved state brings its limits along, so only others are set") {
  auto clone = restored();
  auto count = [&] {
    auto requests = restore_requests(clone, {}, {1, 13, 1});
    REQUIRE(requests);
    return requests->size();
  };
  auto plain = count();
  clone.disk_limits = clone.restore->disk_limits = {.operations = 100, .bytes = 0};
  CHECK(count() == plain);
  clone.disk_limits = {};
  CHECK(count() == plain + 2);
}

TEST_CASE("firecracker requests: without console or initrd none is asked for") {
  auto bare = config();
  bare.console = false;
  bare.initrds.clear();
  auto boot = body_of(boot_requests(bare, {}, {1, 13, 1}), "/boot-source");
  CHECK(!boot.contains("initrd_path"));
  CHECK(boot["boot_args"].get<std::string>().starts_with("8250.nr_uarts=0 quiet"));
}

TEST_CASE("firecracker requests: a tap is attached at boot and replaced when a state is loaded") {
  Tap tap{"net0", "bg-1", "02:00:00:00:00:01"};
  CHECK(add_tap(tap) == ApiRequest{"PUT", "/network-interfaces/net0",
                                   R"({"guest_mac":"02:00:00:00:00:01","host_dev_name":"bg-1","iface_id":"net0"})"});
  auto requests = boot_requests(config(), {tap}, {1, 13, 1});
  CHECK(std::ranges::find(requests, add_tap(tap)) != requests.end());
  auto restore = restore_requests(restored(), {tap}, {1, 12, 0});
  REQUIRE(restore);
  auto load = body_of(*restore, "/snapshot/load");
  CHECK(load["network_overrides"][0] == Json({{"iface_id", "net0"}, {"host_dev_name", "bg-1"}}));
  CHECK(load["resume_vm"] == false);
  CHECK(restore_requests(restored(), {tap}, {1, 11, 0}).error().code == ErrorCode::unsupported);
  auto without = restore_requests(restored(), {}, {1, 5, 0});
  REQUIRE(without);
  CHECK(!body_of(*without, "/snapshot/load").contains("network_overrides"));
}

TEST_CASE(
    "firecracker requests: a user-mode network is refused with the way out; one that reaches nothing is left out") {
  auto wanted = config();
  wanted.nics = {{.mac = "02:00:00:00:00:01"}};
  auto refused = taps_of(wanted);
  REQUIRE(!refused);
  CHECK(refused.error().code == ErrorCode::unsupported);
  CHECK(refused.error().sentence().find("bridge networking") != std::string::npos);
  CHECK(refused.error().sentence().find("--no-nat") != std::string::npos);
  wanted.nics[0].restrict_outside = true;
  REQUIRE(taps_of(wanted));
  CHECK(taps_of(wanted)->empty());
  wanted.nics[0].forwards = {{"127.0.0.2", 80, 80}};
  CHECK(!taps_of(wanted));
  wanted.nics.clear();
  wanted.taps = {{.mac = "02:00:00:00:00:01", .device = "bg-3"}};
  auto taps = taps_of(wanted);
  REQUIRE((taps && taps->size() == 1));
  CHECK((*taps)[0].iface_id == "net0");
  CHECK((*taps)[0].host_dev_name == "bg-3");
  CHECK((*taps)[0].mac == "02:00:00:00:00:01");
}

TEST_CASE("firecracker requests: what no Firecracker takes is refused before one is started") {
  auto big = config();
  big.vcpus = 33;
  CHECK(check(big).error().code == ErrorCode::invalid);
  auto chatty = config();
  chatty.cmdline = std::string(2000, 'x');
  CHECK(check(chatty).error().code == ErrorCode::invalid);
  CHECK(check(config()));
}

TEST_CASE("firecracker command line: the token is the instance's id, and the log is no part of the console") {
  auto argv = command_line("/usr/bin/firecracker", config());
  CHECK(argv == std::vector<std::string>{"/usr/bin/firecracker", "--id", "t", "--api-sock", "api.sock", "--log-path",
                                         "firecracker.log", "--level", "Info", "--show-level"});
}

TEST_CASE("firecracker requests: metrics are asked for before anything else, also before a state is loaded") {
  auto counting = restored();
  counting.metrics = true;
  ApiRequest wanted{"PUT", "/metrics", R"({"metrics_path":"metrics.log"})"};
  for (Version version : {Version{1, 5, 0}, Version{1, 17, 0}}) {
    CHECK(boot_requests(counting, {}, version).front() == wanted);
    auto restore = restore_requests(counting, {}, version);
    REQUIRE((restore && restore->size() == 2));
    CHECK(restore->front() == wanted);
    CHECK(restore->back().path == "/snapshot/load");
  }
  for (const auto& request : boot_requests(config(), {}, {1, 17, 0})) CHECK(request.path != "/metrics");
  check_known(wanted);
  check_known(action("FlushMetrics"));
}

TEST_CASE("firecracker requests: guests give back what they free, where the balloon can do so unasked") {
  for (Version version : {Version{1, 5, 0}, Version{1, 13, 9}})
    for (const auto& request : boot_requests(config(), {}, version)) CHECK(request.path != "/balloon");
  auto balloon = body_of(boot_requests(config(), {}, {1, 14, 0}), "/balloon");
  CHECK(balloon["amount_mib"] == 0);
  CHECK(balloon["deflate_on_oom"] == true);
  CHECK(balloon["stats_polling_interval_s"] == 0);
  CHECK(balloon["free_page_reporting"] == true);
}
