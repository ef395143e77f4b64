// Reading the config file: accepted settings, and the sentences for all errors.
#include "config/config.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "base/bounds.h"
#include "base/text.h"
#include "catch.h"
#include "config/bounds.h"
#include "config/schema.h"
#include "support/temp_dir.h"

using namespace banger;
using config::parse_config;

namespace {
std::string error_of(std::string_view text) {
  auto parsed = parse_config(text, "c.toml");
  return parsed ? "" : parsed.error().sentence();
}
}  // namespace

TEST_CASE("config: an empty file and a missing one are the defaults") {
  CHECK(parse_config("", "c.toml")->machine == config::MachineChoice::automatic);
  auto missing = config::load_config("/nonexistent/banger/config.toml");
  REQUIRE(missing);
  CHECK(missing->default_image_name == "debian-bookworm");
  CHECK_FALSE(missing->vm_defaults.vcpus);
}

TEST_CASE("config: every key of this version is read") {
  auto parsed = parse_config(R"(
log_level = "debug"
machine = "qemu"
qemu_bin = "/opt/qemu/bin/qemu-system-x86_64"
storage = "overlay"
default_image_name = "mine"
ready_timeout = "45s"
[vm_defaults]
vcpu = 3
memory = "1536M"
disk_size = "20G"
system_size = "4GiB"
)",
                             "c.toml");
  REQUIRE(parsed);
  CHECK(parsed->log_level == LogLevel::debug);
  CHECK(parsed->machine == config::MachineChoice::qemu);
  CHECK(parsed->qemu_bin == "/opt/qemu/bin/qemu-system-x86_64");
  CHECK(parsed->default_image_name == "mine");
  CHECK(parsed->ready_timeout == std::chrono::seconds(45));
  CHECK(parsed->vm_defaults.vcpus == 3u);
  CHECK(parsed->vm_defaults.memory_bytes == 1536 * limits::kMiB);
  CHECK(parsed->vm_defaults.disk_bytes == 20 * limits::kGiB);
  CHECK(parsed->vm_defaults.system_bytes == 4 * limits::kGiB);
}

TEST_CASE("config: dotted and inline tables are the same as a section") {
  CHECK(parse_config("vm_defaults.vcpu = 2", "c")->vm_defaults.vcpus == 2u);
  CHECK(parse_config("vm_defaults = { vcpu = 2 }", "c")->vm_defaults.vcpus == 2u);
}

TEST_CASE("config: an unknown key is named with its line and the nearest key") {
  CHECK(error_of("\n# a comment\nlog_levl = \"info\"\n") ==
        "c.toml:3: unknown key 'log_levl' (hint: did you mean 'log_level'?)");
  CHECK(error_of("[vm_defaults]\n\nvcpus = 1") ==
        "c.toml:3: unknown key 'vm_defaults.vcpus' (hint: did you mean 'vm_defaults.vcpu'?)");
  CHECK(error_of("[vm_default]\nvcpu = 1") == "c.toml:1: unknown key 'vm_default' (hint: did you mean 'vm_defaults'?)");
  CHECK(error_of("zzzzzzzzzz = 1") == "c.toml:1: unknown key 'zzzzzzzzzz'");
  CHECK(error_of("\"\\u001b[31m\" = 1") == "c.toml:1: unknown key '\\x1b[31m'");
  CHECK(error_of("log_level.x = 1").find("'log_level' must be one of") != std::string::npos);
}

TEST_CASE("config: a key in the wrong table is refused with the right table") {
  CHECK(error_of("memory = \"8G\"") == "c.toml:1: unknown key 'memory' (hint: put 'memory' under [vm_defaults])");
}

TEST_CASE("config: the first error in the file is the one reported") {
  CHECK(error_of("zz1 = 1\naa1 = 2").starts_with("c.toml:1: unknown key 'zz1'"));
}

TEST_CASE("config: every choice of a key is a value of its enum, and every value a choice") {
  auto check = [](const char* key, const auto& words, auto member) {
    CHECK(split(config::find_key(key)->choices, '|').size() == std::size(words));
    for (auto [value, text] : words) {
      auto parsed = parse_config(fmt::format("{} = \"{}\"", key, text), "c.toml");
      REQUIRE(parsed);
      CHECK((*parsed).*member == value);
    }
  };
  check("machine", config::kMachineWords, &config::Config::machine);
  check("proxy", config::kProxyWords, &config::Config::proxy);
  check("storage", vm::kStorageWords, &config::Config::storage);
  check("forward_clients", config::kForwardClientsWords, &config::Config::forward_clients);
  check("auto_stop_action", config::kStopActionWords, &config::Config::auto_stop_action);
  check("network", vm::kNetworkChoiceWords, &config::Config::network);
}

TEST_CASE("config: an unknown storage is refused with a list of the known ones") {
  CHECK_THAT(error_of("storage = \"zfs\""), Catch::Contains("one of `overlay`, `copy`, `dm-snapshot`"));
}

TEST_CASE("config: a feature missing from this version is never accepted silently") {
  CHECK(error_of("web_listen_addr = \"\"") ==
        "c.toml:1: 'web_listen_addr' is not available in this version (hint: remove it)");
  CHECK(error_of("web_listen_addr = true").find("not available in this version") != std::string::npos);
  CHECK(parse_config("web_listen_addr = \"x\"", "c").error().code == ErrorCode::unsupported);
}

TEST_CASE("config: the path of a key is absolute or below the home, on one line") {
  for (const char* path : {"/keys/id", "~/.ssh/id_ed25519", "/with space/\u00e4", ""})
    CHECK(parse_config(fmt::format("ssh_key_path = \"{}\"", path), "c.toml").value().ssh_key_path == path);
  CHECK(error_of("ssh_key_path = \"id_rsa\"") ==
        "c.toml:1: 'ssh_key_path' must be an absolute path, or one that begins with `~/` (hint: write the whole path)");
  CHECK(error_of("ssh_key_path = \"~ann/id\"").find("must be an absolute path") != std::string::npos);
  CHECK(error_of("ssh_key_path = \"/a\\nb\"") == "c.toml:1: 'ssh_key_path' must be one line");
  CHECK(error_of("ssh_key_path = 3").find("must be an absolute path") != std::string::npos);
}

TEST_CASE("config: the time zone and the locale of guests are names") {
  auto parsed = parse_config("guest_timezone = \"America/Port-au-Prince\"\nguest_locale = \"host\"", "c.toml");
  REQUIRE(parsed);
  CHECK(parsed->guest_timezone == "America/Port-au-Prince");
  CHECK(parsed->guest_locale == "host");
  for (const char* wrong : {"a b", "a;b", "a\\nb", "$(x)"})
    CHECK(error_of(fmt::format("guest_locale = \"{}\"", wrong)) ==
          "c.toml:1: 'guest_locale' must be a name or `host` (hint: letters, digits and /_+-.@ make a name)");
}

TEST_CASE("config: an error for a wrong value names the right ones") {
  CHECK(
      error_of("log_level = \"inf\"") ==
      "c.toml:1: 'log_level' must be one of `debug`, `info`, `warn`, `error`, not 'inf' (hint: did you mean 'info'?)");
  CHECK(error_of("log_level = 3").find("'log_level' must be one of") != std::string::npos);
  CHECK(error_of("machine = \"\"").find("'machine' must be one of") != std::string::npos);
  CHECK(error_of("machine = \"auto|qemu\"").find("'machine' must be one of") != std::string::npos);
  CHECK(error_of("default_image_name = \"\"") == "c.toml:1: 'default_image_name' must not be empty");
  CHECK(error_of("default_image_name = [\"a\"]") == "c.toml:1: 'default_image_name' must be text");
  CHECK(error_of("qemu_bin = \"bin/qemu\"") ==
        "c.toml:1: 'qemu_bin' must be a program's name or absolute path (hint: write the whole path)");
  CHECK(error_of("qemu_bin = \"a\\u0000b\"").find("zero bytes") != std::string::npos);
  CHECK(error_of("vm_defaults = 3") == "c.toml:1: 'vm_defaults' must be a table (hint: write [vm_defaults])");
}

TEST_CASE("config: a list has texts and nothing else") {
  auto parsed = parse_config("insecure_registries = [\"a:5000\", \"b\"]", "c.toml");
  REQUIRE(parsed);
  CHECK(parsed->insecure_registries == std::vector<std::string>{"a:5000", "b"});
  std::string wrong =
      "c.toml:1: 'insecure_registries' must be a list of texts (hint: write insecure_registries = [\"one\", \"two\"])";
  CHECK(error_of("insecure_registries = \"a\"") == wrong);
  CHECK(error_of("insecure_registries = [\"a\", 1]") == wrong);
  CHECK_THAT(error_of("insecure_registries = [\"\"]"), Catch::Contains("without empty texts"));
  CHECK(error_of("default_registry = [\"a\"]") == "c.toml:1: 'default_registry' must be text");
}

TEST_CASE("config: counts and sizes have bounds and units") {
  CHECK(error_of("[vm_defaults]\nvcpu = 0") == "c.toml:2: 'vm_defaults.vcpu' must be between 1 and 64");
  CHECK(error_of("[vm_defaults]\nvcpu = -1") == "c.toml:2: 'vm_defaults.vcpu' must be between 1 and 64");
  CHECK(error_of("[vm_defaults]\nvcpu = 9223372036854775807").find("between 1 and 64") != std::string::npos);
  CHECK(error_of("[vm_defaults]\nvcpu = 1.5") == "c.toml:2: 'vm_defaults.vcpu' must be a whole number");
  CHECK(error_of("[vm_defaults]\nvcpu = \"2\"") == "c.toml:2: 'vm_defaults.vcpu' must be a whole number");
  CHECK(error_of("[vm_defaults]\nmemory = 8") ==
        "c.toml:2: 'vm_defaults.memory' must be a size (hint: write it in quotes with a unit, like memory = \"8G\")");
  CHECK(error_of("[vm_defaults]\nmemory = \"1M\"") == "c.toml:2: 'vm_defaults.memory' must be at least 64M");
  CHECK(error_of("[vm_defaults]\ndisk_size = \"lots\"") ==
        "c.toml:2: 'vm_defaults.disk_size': 'lots' is not a size (hint: write it like 512M, 1.5G or 8G)");
  CHECK(error_of("[vm_defaults]\ndisk_size = \"100000T\"").find("between 64M and") != std::string::npos);
}

TEST_CASE("config: a duration has bounds and a unit") {
  CHECK(error_of("ready_timeout = 30") ==
        "c.toml:1: 'ready_timeout' must be a duration (hint: write it in quotes with a unit, like ready_timeout = "
        "\"24h\")");
  CHECK(error_of("ready_timeout = \"0\"") == "c.toml:1: 'ready_timeout' must be between 1s and 1d 0h");
  CHECK(error_of("ready_timeout = \"1000h\"").find("between 1s and 1d 0h") != std::string::npos);
}

TEST_CASE("config: an error for broken TOML names the line") {
  CHECK(error_of("log_level = \"info\"\nmachine = \n").starts_with("c.toml:2: "));
  CHECK(error_of("[vm_defaults\n").starts_with("c.toml:1: "));
  CHECK(error_of("log_level = \"info\"\nlog_level = \"warn\"\n").starts_with("c.toml:2: "));
  for (const char* text : {"\xff\xfe", "a", "=", "[[", "a = \"\\uD800\"", "a = 99999999999999999999", "\xef\xbb\xbf="})
    CHECK(parse_config(text, "c").error().code == ErrorCode::invalid);
  // Inputs on which toml++ itself would fail an assertion or reach unreachable code.
  CHECK(error_of("machine = \"qemu\"\n[[ = 1") == "c.toml: not valid TOML: malformed");
  CHECK(error_of("\nm\xc3\xa9 = 1").starts_with("c.toml:2: "));
  CHECK(error_of("a = \"\"\"\\\n\xc2\xa7\"\"\"") == "c.toml:1: unknown key 'a'");
  CHECK(parse_config(std::string_view("a = \0", 5), "c").error().code == ErrorCode::invalid);
  CHECK(parse_config("a = " + std::string(100000, '['), "c").error().code == ErrorCode::invalid);
  CHECK(parse_config("a = " + std::string(100000, '{'), "c").error().code == ErrorCode::invalid);
}

TEST_CASE("config: a file is read; a too large one, or something else, is refused by name") {
  test::TempDir temporary;
  const std::string& directory = temporary.path();
  std::string path = directory + "/config.toml";
  std::ofstream(path) << "log_level = \"warn\"\n";
  CHECK(config::load_config(path)->log_level == LogLevel::warn);
  std::ofstream(path, std::ios::app) << "oops = 1\n";
  CHECK(config::load_config(path).error().message == path + ":2: unknown key 'oops'");
  std::ofstream(path) << std::string(limits::kConfigFileBytes + 1, '#');
  CHECK(config::load_config(path).error().code == ErrorCode::exhausted);
  CHECK(config::load_config(directory).error().message.starts_with("read the config: " + directory));
}
