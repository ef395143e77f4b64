#include "machine/qemu/kvm_probe.h"

#include <filesystem>

#include "machine/support.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::qemu;
using namespace std::chrono_literals;

namespace {

const Processor kTcg{.accelerator = "tcg", .cpu = "qemu64"};

// The probe's machinery with guests of a few bytes, under TCG so that it runs anywhere.
KvmVerdict verdict_for(const std::string& kernel_bytes, std::chrono::milliseconds limit, const QemuFacts& facts,
                       const TempDir& directory) {
  host::Runtime runtime;
  auto kernel = directory.path() + "/kernel";
  REQUIRE(host::write_file(kernel, kernel_bytes));
  auto verdict = run(runtime, probe_guest(runtime, facts, kTcg, kernel, directory.path(), limit));
  std::filesystem::remove(kernel);
  CHECK(std::filesystem::is_empty(directory.path()));
  return verdict;
}

std::optional<QemuFacts> facts_or_skip() {
  host::Runtime runtime;
  return installed_qemu(runtime);
}

}  // namespace

TEST_CASE("kvm probe: a guest whose init speaks makes it usable") {
  auto facts = facts_or_skip();
  if (!facts) return;
  TempDir directory;
  auto verdict =
      verdict_for(tiny_kernel("early\r\n" + std::string(kProbeWords) + "\r\n", Ending::reset), 60s, *facts, directory);
  CHECK(verdict.usable);
  CHECK(verdict.reason == "runs guests");
}

TEST_CASE("kvm probe: a guest that hangs makes it unusable and is not left running") {
  auto facts = facts_or_skip();
  if (!facts) return;
  TempDir directory;
  auto verdict = verdict_for(tiny_kernel("early\r\n", Ending::halt), 500ms, *facts, directory);
  CHECK(!verdict.usable);
  CHECK(verdict.reason == "a guest did not reach its init within 500ms");
  CHECK(!find_process_by_token(directory.path()));
}

TEST_CASE("kvm probe: its QEMU ends with a daemon that is killed meanwhile") {
  auto facts = facts_or_skip();
  if (!facts) return;
  TempDir directory;
  auto kernel = directory.path() + "/kernel";
  REQUIRE(host::write_file(kernel, tiny_kernel("early\r\n", Ending::halt)));
  CHECK(dies_with_starter(directory.path(), [&] {
    host::Runtime runtime;
    (void)run(runtime, probe_guest(runtime, *facts, kTcg, kernel, directory.path(), 300s));
  }));
}

TEST_CASE("kvm probe: a guest that ends early, or a kernel QEMU refuses, makes it unusable") {
  auto facts = facts_or_skip();
  if (!facts) return;
  TempDir directory;
  CHECK(verdict_for(tiny_kernel("early\r\n", Ending::reset), 60s, *facts, directory).reason ==
        "a guest ended before it reached its init");
  auto refused = verdict_for("not a kernel", 60s, *facts, directory);
  CHECK(!refused.usable);
  CHECK(!refused.reason.empty());
}

TEST_CASE("kvm probe: without KVM in the binary the answer is immediate") {
  host::Runtime runtime;
  QemuFacts facts{.binary = "/nonexistent/qemu", .version = "1"};
  auto verdict = run(runtime, probe_kvm(runtime, facts, "/nonexistent", "/nonexistent"));
  CHECK(!verdict.usable);
  CHECK(verdict.reason == "/nonexistent/qemu is built without KVM");
}

namespace {

// A QEMU that ends as this script does, after it has noted its processor model.
KvmVerdict verdict_of(const TempDir& directory, const std::string& script) {
  host::Runtime runtime;
  auto binary = directory / "qemu", scratch = directory / "scratch";
  std::filesystem::create_directory(scratch);
  auto head = "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" = -cpu ] && cpu=$2; shift; done\necho \"$cpu\" >>" +
              (directory / "cpus") + "\n";
  REQUIRE(host::write_file(binary, head + script, 0755));
  QemuFacts facts{.binary = binary, .version = "1", .kvm_built_in = true};
  auto verdict = run(runtime, probe_kvm(runtime, facts, "/kernel", scratch));
  CHECK(std::filesystem::is_empty(scratch));
  return verdict;
}

}  // namespace

TEST_CASE("kvm probe: a host that refuses a register of -cpu host runs guests without it") {
  TempDir directory;
  auto verdict = verdict_of(directory, R"sh([ "$cpu" = host ] || exec echo banger-kvm-ok
echo 'qemu: error: failed to set MSR 0x10a to 0x2000000000000000' >&2
exit 1
)sh");
  CHECK(verdict.usable);
  CHECK(verdict.cpu == "host,-arch-capabilities");
  CHECK(host::read_file(directory / "cpus", 100) == "host\nhost,-arch-capabilities\n");
}

TEST_CASE("kvm probe: the first error counts when no processor model works") {
  TempDir directory;
  auto verdict = verdict_of(directory, R"sh([ "$cpu" = host ] || exit 1
echo 'failed to set MSR 0x10a' >&2
exit 1
)sh");
  CHECK(!verdict.usable);
  CHECK(verdict.reason.find("failed to set MSR 0x10a") != std::string::npos);
}

TEST_CASE("kvm probe: other errors, and guests that run, need no second processor model") {
  TempDir directory;
  CHECK(!verdict_of(directory, "echo 'no kvm' >&2; exit 1\n").usable);
  CHECK(host::read_file(directory / "cpus", 100) == "host\n");
  auto verdict = verdict_of(directory, "echo banger-kvm-ok\n");
  CHECK(verdict.usable);
  CHECK(verdict.cpu == "host");
}

TEST_CASE("kvm probe: the key changes with the kernel and the VMM") {
  TempDir directory;
  auto kernel = directory.path() + "/k";
  REQUIRE(host::write_file(kernel, "a"));
  QemuFacts facts{.binary = "/bin/sh", .version = "1"};
  auto key = key_of_probe(facts, kernel);
  CHECK(key == key_of_probe(facts, kernel));
  CHECK(key != key_of_probe({.binary = "/bin/sh", .version = "2"}, kernel));
  REQUIRE(host::write_file(kernel, "ab"));
  CHECK(key != key_of_probe(facts, kernel));
}
