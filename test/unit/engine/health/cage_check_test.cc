#include "engine/health/cage_check.h"

#include "catch.h"

using namespace banger;
using namespace banger::engine;
using capabilities::CheckStatus;

namespace {

machine::qemu::QemuFacts whole_qemu() { return {.binary = "/usr/bin/qemu", .sandbox = true, .landlock = true}; }

host::Confinement whole_host() {
  host::Confinement host;
  host.landlock = 7;
  return host;
}

}  // namespace

TEST_CASE("cage check: a host with all parts passes, and names them") {
  auto check = cage_check(whole_qemu(), whole_host());
  CHECK(check.status == CheckStatus::pass);
  CHECK(check.detail ==
        "QEMU runs with no new privileges, a filter of system calls (seccomp), QEMU's own filter, Landlock version 7 "
        "(files, TCP, signals)");
  CHECK(check.hint.empty());
}

TEST_CASE("cage check: an old Landlock restricts less, which is no fault") {
  auto host = whole_host();
  host.landlock = 2;
  auto check = cage_check(whole_qemu(), host);
  CHECK(check.status == CheckStatus::pass);
  CHECK(check.detail.ends_with("Landlock version 2 (files)"));
}

TEST_CASE("cage check: every missing part is a warning with a hint") {
  auto host = whole_host();
  host.landlock = fail(ErrorCode::unsupported, "Landlock is turned off in this kernel", "add landlock to lsm=");
  auto check = cage_check(whole_qemu(), host);
  CHECK(check.status == CheckStatus::warn);
  CHECK(check.detail.ends_with("missing: Landlock is turned off in this kernel"));
  CHECK(check.hint == "add landlock to lsm=");

  auto qemu = whole_qemu();
  qemu.landlock = false;
  check = cage_check(qemu, whole_host());
  CHECK(check.status == CheckStatus::warn);
  CHECK(check.detail.find("/usr/bin/qemu does not start with Landlock") != std::string::npos);
  CHECK(check.hint.starts_with("set qemu_bin"));

  qemu = whole_qemu();
  qemu.sandbox = false;
  host = whole_host();
  host.system_calls = fail(ErrorCode::unsupported, "filter system calls: Invalid argument");
  check = cage_check(qemu, host);
  CHECK(check.status == CheckStatus::warn);
  CHECK(check.detail.find("-sandbox") != std::string::npos);
  CHECK(check.detail.find("Invalid argument") != std::string::npos);
  CHECK(check.hint.find("; ") != std::string::npos);
}
