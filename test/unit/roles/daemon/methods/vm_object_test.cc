// The VM object of docs/rpc.md.
#include "roles/daemon/methods/vm_object.h"

#include <nlohmann/json.hpp>
#include <set>

#include "catch.h"
#include "engine/fixture.h"
#include "roles/daemon/methods/methods.h"

using namespace banger;
using banger::roles::daemon::guest_stats;
using banger::roles::daemon::vm_object;
using banger::test::Fixture;

TEST_CASE("vm object: a stopped VM has no machine, but all fields") {
  Fixture f;
  auto vm = f.stopped();
  auto json = api::to_json(vm_object(f.daemon->services, *vm));
  std::set<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.insert(key);
  CHECK(keys == std::set<std::string>{"id",
                                      "name",
                                      "state",
                                      "image",
                                      "image_id",
                                      "kernel",
                                      "vcpus",
                                      "memory_bytes",
                                      "disk_bytes",
                                      "system_bytes",
                                      "nat",
                                      "network",
                                      "storage",
                                      "address",
                                      "labels",
                                      "created_at",
                                      "started_at",
                                      "agent_ready",
                                      "system_ready",
                                      "last_error",
                                      "directory",
                                      "stages",
                                      "disk_used_bytes",
                                      "disk_iops",
                                      "disk_bandwidth_bytes",
                                      "net_bandwidth_bytes",
                                      "pids",
                                      "way",
                                      "template",
                                      "machine",
                                      "machine_reason",
                                      "accelerator",
                                      "pid",
                                      "metrics",
                                      "ephemeral",
                                      "paused",
                                      "silent",
                                      "ended",
                                      "ended_at",
                                      "publish",
                                      "restart",
                                      "autostart",
                                      "egress",
                                      "allow",
                                      "secrets"});
  CHECK(json["state"] == "stopped");
  CHECK(json["image"] == "tiny");
  CHECK(json["machine"] == "");
  CHECK(json["pid"].is_null());
  CHECK(json["agent_ready"] == false);
}

TEST_CASE("vm object: a running VM has its machine and the reason for it") {
  Fixture f;
  auto vm = f.running();
  auto json = api::to_json(vm_object(f.daemon->services, *vm));
  CHECK(json["state"] == "running");
  CHECK(json["machine"] == "fake 1");
  CHECK(json["machine_reason"] == "a test");
  CHECK(json["pid"] == f.host.running().front()->record.process.pid);
  CHECK(json["agent_ready"] == true);
  CHECK(json["way"] == "cold");
  CHECK(json["address"] == "10.0.2.15");
}

TEST_CASE("vm stats: a guest gives its own figures only, and none of another type") {
  auto stats = guest_stats({{"load1", 0.5}, {"uptime_ms", 7}, {"host_pss_bytes", 1}, {"metrics", {{"disk_reads", 1}}}});
  REQUIRE(stats);
  CHECK(stats->load1 == 0.5);
  CHECK(stats->uptime_ms == 7);
  CHECK_FALSE(stats->host_pss_bytes);
  CHECK_FALSE(stats->metrics);
  CHECK(guest_stats({{"uptime_ms", "long"}}).error().code == ErrorCode::corrupt);
  CHECK(guest_stats({{"disk_read_bytes", -1}}).error().code == ErrorCode::corrupt);
}

TEST_CASE("vm object: says why a guest stands still, and how the last machine ended") {
  Fixture f;
  auto vm = f.running();
  CHECK(vm_object(f.daemon->services, *vm).paused.empty());
  f.host.of(vm->record().id())->paused_because = "no room";
  vm->parts().link->set_silent(true);
  auto object = vm_object(f.daemon->services, *vm);
  CHECK(object.state == vm::State::running);
  CHECK(object.paused == "no room");
  CHECK(object.silent);
  CHECK(object.ended_at == 0);
  REQUIRE(f.run(vm->kill()));
  object = vm_object(f.daemon->services, *vm);
  CHECK(object.paused.empty());
  CHECK(!object.silent);
  CHECK(object.ended == "killed");
  CHECK(object.ended_at > 0);
}

TEST_CASE("vm object: shows the egress policy, but a list of VMs has no long lists of hosts") {
  Fixture f;
  auto spec = Fixture::small_spec();
  spec.egress = "none";
  spec.allow = {"example.org:443"};
  auto vm = f.record(f.new_row("box", spec));
  auto json = api::to_json(vm_object(f.daemon->services, *vm));
  CHECK(json["egress"] == "none");
  CHECK(json["allow"] == Json::array({"example.org:443"}));
  auto listed = api::to_json(roles::daemon::listed_vm_object(f.daemon->services, *vm));
  CHECK(listed["egress"] == "none");
  CHECK_FALSE(listed.contains("allow"));
}

TEST_CASE("vm defaults: a new VM has the egress policy of the config") {
  Fixture f;
  CHECK(roles::daemon::default_spec(f.daemon->services).egress == "open");
  f.config.default_egress = "ci";
  CHECK(roles::daemon::default_spec(f.daemon->services).egress == "ci");
}
