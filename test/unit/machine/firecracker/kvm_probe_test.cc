// The KVM probe of Firecracker, with a program that ends as a script does.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "machine/firecracker/firecracker.h"
#include "machine/support.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::firecracker;

namespace {

// The script's third argument is the file with the configuration.
KvmVerdict verdict_of(const TempDir& directory, const std::string& script) {
  host::Runtime runtime;
  auto binary = directory / "firecracker", scratch = directory / "scratch";
  std::filesystem::create_directory(scratch);
  REQUIRE(host::write_file(binary, "#!/bin/sh\n" + script, 0755));
  FirecrackerFacts facts{.binary = binary, .version = {1, 15, 1}, .snapshot_version = "", .sha256 = "a"};
  auto verdict = run(runtime, probe_kvm(runtime, facts, "/kernel", scratch));
  CHECK(std::filesystem::is_empty(scratch));
  return verdict;
}

}  // namespace

TEST_CASE("firecracker kvm probe: a guest whose init speaks makes it usable") {
  TempDir directory;
  auto copy = directory / "copy", words = directory / "words";
  auto verdict = verdict_of(
      directory, "echo \"$1 $2\" >" + words + "; cp \"$3\" " + copy + "; echo 'early'; echo banger-kvm-ok\n");
  CHECK(verdict.usable);
  CHECK(verdict.reason == "runs guests");
  CHECK(host::read_file(words, 100) == "--no-api --config-file\n");
  auto config = parse_json(host::read_file(copy, 1 << 16).value_or(""), 1 << 16);
  REQUIRE(config);
  CHECK(config->at("boot-source").at("kernel_image_path") == "/kernel");
  CHECK(config->at("boot-source").at("boot_args").get<std::string>().find("reboot=k") != std::string::npos);
  CHECK(config->at("machine-config").at("vcpu_count") == 1);
}

TEST_CASE("firecracker kvm probe: its error is the reason") {
  TempDir directory;
  auto verdict = verdict_of(directory, "echo 'Error: Kvm: Error creating KVM object' >&2; exit 1\n");
  CHECK(!verdict.usable);
  CHECK(verdict.reason.find("Error creating KVM object") != std::string::npos);
}

TEST_CASE("firecracker kvm probe: the key changes with the program and the kernel") {
  TempDir directory;
  auto kernel = directory / "k";
  REQUIRE(host::write_file(kernel, "a"));
  FirecrackerFacts one{.binary = "/f", .version = {}, .snapshot_version = "", .sha256 = "1"};
  FirecrackerFacts two{.binary = "/f", .version = {}, .snapshot_version = "", .sha256 = "2"};
  auto key = key_of_probe(one, kernel);
  CHECK(key == key_of_probe(one, kernel));
  CHECK(key != key_of_probe(two, kernel));
  REQUIRE(host::write_file(kernel, "ab"));
  CHECK(key != key_of_probe(one, kernel));
}
