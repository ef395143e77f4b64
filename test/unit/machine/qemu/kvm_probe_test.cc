#include "machine/qemu/kvm_probe.h"

#include <sys/stat.h>

#include <filesystem>

#include "machine/support.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::qemu;
using namespace std::chrono_literals;

namespace {

// The probe's machinery with guests of a few bytes, under TCG so that it runs anywhere.
KvmVerdict verdict_for(const std::string& kernel_bytes, std::chrono::milliseconds limit, const QemuFacts& facts,
                       const TempDir& directory) {
  host::Runtime runtime;
  auto kernel = directory.path() + "/kernel";
  REQUIRE(host::write_file(kernel, kernel_bytes));
  auto verdict = run(runtime, probe_guest(runtime, facts, "tcg", kernel, directory.path(), limit));
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
    (void)run(runtime, probe_guest(runtime, *facts, "tcg", kernel, directory.path(), 300s));
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

TEST_CASE("kvm probe: the init is a well-formed program that Linux runs") {
  TempDir directory;
  auto path = directory.path() + "/init";
  REQUIRE(host::write_file(path, probe_init(), 0755));
  host::Runtime runtime;
  // An unprivileged user may not call reboot(2), so the init continues to its exit.
  REQUIRE(::chmod(directory.path().c_str(), 0755) == 0);
  host::SpawnSpec spec{.argv = {path}, .env = {}};
  if (::geteuid() == 0) {
    spec.uid = 65534;
    spec.gid = 65534;
  }
  auto output = run(runtime, host::run_command(runtime, spec, host::after(10s)));
  REQUIRE(output);
  CHECK(output->out == std::string(kProbeWords) + "\n");
  CHECK(output->status.shell_code() == 0);
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
