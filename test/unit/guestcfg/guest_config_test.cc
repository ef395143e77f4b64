#include "guestcfg/guest_config.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "catch.h"
#include "guestcfg/bounds.h"

using namespace banger;
using namespace banger::guestcfg;

namespace {

GuestConfig full() {
  GuestConfig config;
  config.hostname = "web";
  config.hosts = {{"127.0.1.1", {"web", "web.vm"}}, {"::1", {"localhost"}}};
  config.disks = {{"rootfs", 0, Disk::Role::rootfs, false},
                  {"system", 1, Disk::Role::system, true},
                  {"work", 2, Disk::Role::work, true, 1 << 30}};
  config.mounts = {{"tmpfs", "/mnt/x", "tmpfs", "size=1M,ro"}};
  config.interfaces = {
      {"52:54:00:00:00:01", "10.0.2.15/24", "10.0.2.2", {"10.0.2.3"}, 1, {"example.org"}, {"169.254.0.0/16"}}};
  config.files = {{"/etc/motd", 0640, 1000, 100, std::string("a\0b", 3)}, {"/etc/setuid", 04755, 0, 0, ""}};
  config.keys = {{"root", {"ssh-ed25519 AAAA me@host"}}};
  config.environment = {{"A", "b c"}, {"EMPTY", ""}, {"LINES", "x\ny"}};
  config.image = {.entrypoint = {"/serve"}, .cmd = {"-p", "80"}, .working_dir = "/srv", .user = "app:1000"};
  config.units = {{"ssh.service", Unit::Action::enable}, {"getty@tty1.service", Unit::Action::mask}};
  config.run_once = {{"sh", "-c", "echo hi"}, {"true"}};
  config.link_token = std::string(32, 'a');
  config.entropy = std::string(128, '0');
  config.clock_unix_ns = 1'800'000'000'123'456'789;
  config.machine_id = std::string(32, '1');
  config.authority = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n";
  config.ssh_host_key = {"-----BEGIN X-----\nabc\n", "ssh-ed25519 AAAA root@web\n"};
  config.first_start = true;
  return config;
}

Result<GuestConfig> decode(const std::string& text) { return from_json(TRY(parse_json(text, 1 << 20))); }

std::string refusal(const std::string& text) {
  auto decoded = decode(text);
  return decoded ? "accepted" : decoded.error().sentence();
}

}  // namespace

TEST_CASE("guest config: every field survives a round trip, with contents inline or separate") {
  auto config = full();
  auto json = to_json(config, Contents::inline_data);
  auto inline_back = from_json(*parse_json(dump_json(json), 1 << 20));
  REQUIRE(inline_back);
  CHECK(to_json(*inline_back, Contents::inline_data) == json);
  CHECK(inline_back->files[0].data == config.files[0].data);
  CHECK(inline_back->files[1].mode == 04755);
  CHECK(inline_back->clock_unix_ns == config.clock_unix_ns);
  CHECK(inline_back->disks[2].size_bytes == 1 << 30);
  CHECK(inline_back->interfaces == config.interfaces);
  REQUIRE(inline_back->ssh_host_key);
  CHECK(inline_back->ssh_host_key->private_key == config.ssh_host_key->private_key);
  CHECK(inline_back->ssh_host_key->public_key == config.ssh_host_key->public_key);
  CHECK(inline_back->first_start);

  auto separate = to_json(config, Contents::separate);
  CHECK_FALSE(separate["files"][0].contains("data"));
  auto back = from_json(separate, {config.files[0].data, config.files[1].data});
  REQUIRE(back);
  CHECK(to_json(*back, Contents::inline_data) == json);
}

TEST_CASE("guest config: an empty document is an empty config, and the other way round") {
  auto decoded = decode("{}");
  REQUIRE(decoded);
  CHECK(to_json(*decoded, Contents::inline_data) == Json::object());
}

TEST_CASE("guest config: a refusal names the field") {
  const std::pair<const char*, const char*> documents[] = {
      {R"([])", "expected an object"},
      {R"({"hostnam": "x"})", "did you mean 'hostname'?"},
      {R"({"hostname": 1})", "'hostname'"},
      {R"({"hostname": "a b"})", "'hostname'"},
      {R"({"hosts": {"x": ["y"]}})", "'hosts'"},
      {R"({"hosts": {"::1": ["a b"]}})", "'hosts'"},
      {R"({"hosts": {"::1": "a"}})", "'hosts'"},
      {R"({"disks": [{"role": "swap"}]})", "disks[0]: field 'role' must be one of 'rootfs', 'system', 'work'"},
      {R"({"disks": [{"role": "work"}, {"role": "work"}]})", "disks[1]"},
      {R"({"disks": [{"role": "work", "serial": "123456789012345678901"}]})", "'serial'"},
      {R"({"disks": [{"role": "work", "index": -1}]})", "'index'"},
      {R"({"disks": {}})", "'disks' must be a list"},
      {R"({"mounts": [{"source": "a", "target": "b"}]})", "mounts[0]: field 'target'"},
      {R"({"mounts": [{"source": "a", "target": "/b", "type": "ext4 x"}]})", "'type'"},
      {R"({"interfaces": [{"mac": "x"}]})", "interfaces[0]: field 'mac'"},
      {R"({"interfaces": [{"mac": "52:54:00:00:00:01", "address": "10.0.0.1"}]})", "'address'"},
      {R"({"interfaces": [{"mac": "52:54:00:00:00:01", "dns": ["x"]}]})", "'dns'"},
      {R"({"interfaces": [{"mac": "52:54:00:00:00:01", "search": ["a b"]}]})", "'search'"},
      {R"({"interfaces": [{"mac": "52:54:00:00:00:01", "unreachable": ["10.0.0.1"]}]})", "'unreachable'"},
      {R"({"interfaces": [{"mac": "52:54:00:00:00:01", "mtu": 60}]})", "'mtu'"},
      {R"({"interfaces": [{"mac": "52:54:00:00:00:01", "mtu": 70000}]})", "'mtu'"},
      {R"({"files": [{"path": "/a", "data": ""}, {"path": "a", "data": ""}]})", "files[1]: field 'path'"},
      {R"({"files": [{"path": "/a/../b", "data": ""}]})", "'path'"},
      {R"({"files": [{"path": "/a/", "data": ""}]})", "'path'"},
      {R"({"files": [{"path": "/a"}]})", "missing field 'data'"},
      {R"({"files": [{"path": "/a", "data": "?"}]})", "'data'"},
      {R"({"files": [{"path": "/a", "payload": 0}]})", "payload 0 is missing"},
      {R"({"files": [{"path": "/a", "payload": -1}]})", "payload -1"},
      {R"({"files": [{"path": "/a", "data": "", "payload": 0}]})", "exclude each other"},
      {R"({"files": [{"path": "/a", "data": "", "mode": "0999"}]})", "'mode'"},
      {R"({"files": [{"path": "/a", "data": "", "mode": "10000"}]})", "'mode'"},
      {R"({"files": [{"path": "/a", "data": "", "mode": ""}]})", "'mode'"},
      {R"({"files": [{"path": "/a", "data": "", "uid": 4294967295}]})", "'uid'"},
      {R"({"keys": [{"user": "a/b", "keys": []}]})", "keys[0]: field 'user'"},
      {R"({"keys": [{"user": "root", "keys": ["a\nb"]}]})", "'keys'"},
      {R"({"environment": {"": "c"}})", "'environment'"},
      {R"({"environment": {"A=B": "c"}})", "'environment'"},
      {R"({"environment": {"A": 1}})", "'environment'"},
      {R"({"environment": {"A": "x\u0000y"}})", "'environment'"},
      {R"({"units": [{"name": "../x.service", "action": "mask"}]})", "units[0]: field 'name'"},
      {R"({"units": [{"name": "x.service", "action": "kill"}]})", "'action'"},
      {R"({"run_once": ["true"]})", "run_once[0]"},
      {R"({"run_once": [[]]})", "run_once[0]"},
      {R"({"run_once": [[""]]})", "run_once[0]"},
      {R"({"link_token": "abc"})", "'link_token'"},
      {R"({"machine_id": "ABCDEF"})", "'machine_id'"},
      {R"({"authority": "ABCDEF"})", "'authority'"},
      {R"({"entropy": "abc"})", "'entropy'"},
      {R"({"clock_unix_ns": -1})", "'clock_unix_ns'"},
      {R"({"clock_unix_ns": 1e3})", "'clock_unix_ns'"},
      {R"({"disks": [{"role": "work", "size_bytes": -1}]})", "'size_bytes'"},
      {R"({"interfaces": [{"mac": "52:54:00:00:00:01", "index": -1}]})", "'index'"},
      {R"({"ssh_host_key": "x"})", "'ssh_host_key'"},
      {R"({"ssh_host_key": {"private": "x"}})", "'ssh_host_key'"},
      {R"({"ssh_host_key": {"private": "x", "public": ""}})", "'ssh_host_key'"},
      {R"({"first_start": 1})", "'first_start'"},
  };
  for (auto [text, wanted] : documents) {
    CAPTURE(text);
    CHECK_THAT(refusal(text), Catch::Contains(wanted));
  }
}

TEST_CASE("guest config: files are bounded together, even when they share a payload") {
  std::vector<std::string> payloads = {std::string(limits::kGuestConfigBytes / 2, 'x')};
  Json file = {{"path", "/a"}, {"payload", 0}};
  CHECK(from_json({{"files", {file, file}}}, payloads));
  auto refused = from_json({{"files", {file, file, file}}}, payloads);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::exhausted);
}

TEST_CASE("guest config: lists are bounded") {
  Json list = Json::array();
  for (std::size_t i = 0; i <= limits::kGuestConfigItems; ++i)
    list.push_back({{"name", "x.service"}, {"action", "mask"}});
  auto refused = from_json({{"units", list}});
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Catch::Contains("'units'"));
}
