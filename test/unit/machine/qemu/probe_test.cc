#include <sys/stat.h>

#include "machine/support.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::qemu;

namespace {

Result<QemuFacts> probe(const QemuOptions& options) {
  host::Runtime runtime;
  return run(runtime, probe_qemu(runtime, options));
}

// A program that answers like a QEMU of another build.
std::string fake_qemu(const TempDir& directory, const std::string& script) {
  auto path = directory.path() + "/qemu-system-x86_64";
  REQUIRE(host::write_file(path, "#!/bin/sh\n" + script, 0755));
  return path;
}

}  // namespace

TEST_CASE("probe: asks the installed QEMU what it can do") {
  host::Runtime runtime;
  auto facts = installed_qemu(runtime);
  if (!facts) return;
  CHECK(facts->binary.starts_with("/"));
  CHECK(!facts->version.empty());
  CHECK(facts->microvm);
  CHECK(facts->tcg_built_in);
}

TEST_CASE("probe: a missing QEMU says how to get one") {
  auto facts = probe({.binary = "", .path_variable = "/nonexistent"});
  REQUIRE(!facts);
  CHECK(facts.error().code == ErrorCode::not_found);
  CHECK(facts.error().hint.find("apt install qemu-system-x86") != std::string::npos);
}

TEST_CASE("probe: a wrong qemu_bin is named") {
  auto missing = probe({.binary = "/nonexistent/qemu", .path_variable = ""});
  REQUIRE(!missing);
  CHECK(missing.error().message.find("/nonexistent/qemu") != std::string::npos);
  auto other = probe({.binary = "/bin/true", .path_variable = ""});
  REQUIRE(!other);
  CHECK(other.error().code == ErrorCode::unsupported);
}

TEST_CASE("probe: a QEMU without microvm is unsupported") {
  TempDir directory;
  auto path = fake_qemu(
      directory,
      "case \"$*\" in -version) echo 'QEMU emulator version 3.1.0 (Debian)';; *) echo 'pc  Standard PC';; esac");
  auto facts = probe({.binary = path, .path_variable = ""});
  REQUIRE(!facts);
  CHECK(facts.error().code == ErrorCode::unsupported);
  CHECK(facts.error().message.find("(version 3.1.0 (Debian)) has no microvm") != std::string::npos);
  CHECK(!facts.error().hint.empty());
}

TEST_CASE("probe: a QEMU without seccomp, KVM and page reporting works without them") {
  TempDir directory;
  auto path = fake_qemu(directory, R"sh(case "$*" in
-version) echo 'QEMU emulator version 8.0.0';;
*sandbox*) exit 1;;
"-M help") echo 'microvm              microvm (i386)';;
"-accel help") printf 'Accelerators supported in QEMU binary:\ntcg\n';;
*) echo 'virtio-balloon-device options:';;
esac)sh");
  auto facts = probe({.binary = path, .path_variable = ""});
  REQUIRE(facts);
  CHECK(facts->version == "8.0.0");
  CHECK(facts->microvm);
  CHECK(facts->tcg_built_in);
  CHECK(!facts->kvm_built_in);
  CHECK(!facts->sandbox);
}
