// The arguments that machine.jail accepts, before any file is looked at. test/cli/test_jailer.py tests real files,
// links and swaps.
#include "capabilities/jail/request.h"

#include <nlohmann/json.hpp>

#include "catch.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

const Logger kLog(2);
const std::string kId = "0123456789abcdef0123456789abcdef";

PrivilegedContext context() {
  return {1000, 1000, "br-test", "10.0.0.1", 24, {"/home/ana/state"}, kLog, "/usr/bin/jailer", "/usr/bin/firecracker"};
}

Json good() {
  return {{"id", kId},
          {"directory", "/home/ana/state/vms/one"},
          {"read", {"vmlinux:/home/ana/state/kernel"}},
          {"write", {"disk0:/home/ana/state/vms/one/a:b"}},
          {"console", true},
          {"vcpus", 2},
          {"memory_bytes", 1 << 28}};
}

ErrorCode refusal(const char* key, Json value) {
  auto arguments = good();
  arguments[key] = std::move(value);
  auto request = launch_request(context(), arguments);
  REQUIRE_FALSE(request);
  return request.error().code;
}

}  // namespace

TEST_CASE("jail request: a good one is understood") {
  auto request = launch_request(context(), good());
  REQUIRE(request);
  CHECK(request->id == kId);
  REQUIRE(request->write.size() == 1);
  CHECK(request->write[0].name == "disk0");
  CHECK(request->write[0].path == "/home/ana/state/vms/one/a:b");
  CHECK(request->vcpus == 2);
}

TEST_CASE("jail request: ids, names, paths and numbers out of bounds are refused") {
  for (auto id : {"", "x", "0123456789ABCDEF0123456789abcdef", "0123456789abcdef0123456789abcde/",
                  "0123456789abcdef0123456789abcdef0"})
    CHECK(refusal("id", id) == ErrorCode::invalid);
  CHECK(refusal("directory", "/home/ana/state/../x") == ErrorCode::invalid);
  CHECK(refusal("directory", "/home/ana/state") == ErrorCode::denied);
  CHECK(refusal("directory", "/home/ana/statex/y") == ErrorCode::denied);
  CHECK(refusal("directory", "") == ErrorCode::invalid);
  CHECK(refusal("read", {"vmlinux"}) == ErrorCode::invalid);
  CHECK(refusal("read", {":/home/ana/state/x"}) == ErrorCode::invalid);
  CHECK(refusal("read", {"dev:/home/ana/state/x"}) == ErrorCode::invalid);
  CHECK(refusal("read", {"disk0:/home/ana/state/x"}) == ErrorCode::invalid);
  CHECK(refusal("write", {"disk1:/etc/passwd"}) == ErrorCode::denied);
  CHECK(refusal("write", std::vector<std::string>(33, "disk1:/home/ana/state/x")) == ErrorCode::invalid);
  for (auto number : {0l, -1l, 33l, 1l << 40}) CHECK(refusal("vcpus", number) == ErrorCode::invalid);
  for (auto number : {0l, -1l, (1l << 46) + 1}) CHECK(refusal("memory_bytes", number) == ErrorCode::invalid);
}

TEST_CASE("jail request: an end needs an id, and a directory or none") {
  REQUIRE(end_request(context(), {{"id", kId}, {"directory", ""}}));
  REQUIRE(end_request(context(), {{"id", kId}, {"directory", "/home/ana/state/vms/one"}}));
  CHECK(end_request(context(), {{"id", kId}, {"directory", "/etc"}}).error().code == ErrorCode::denied);
  CHECK(!end_request(context(), {{"id", ".."}, {"directory", ""}}));
}

TEST_CASE("jail request: without a jailer, and for root, there is the way out") {
  auto none = context();
  none.jailer = none.firecracker = "";
  CHECK(launch_request(none, good()).error().code == ErrorCode::unavailable);
  auto root = context();
  root.owner_uid = 0;
  auto refused = launch_request(root, good());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::unsupported);
  CHECK(refused.error().hint.find("system install --owner") != std::string::npos);
}

TEST_CASE("jail request: only a program that none but root can replace is one") {
  CHECK(check_program("/etc/passwd").error().code == ErrorCode::denied);
  CHECK(check_program("/usr/bin").error().code == ErrorCode::denied);
  CHECK(check_program("/nowhere/jailer").error().code == ErrorCode::not_found);
}

TEST_CASE("jail request: the id stands on a command line as a word of its own") {
  CHECK(has_id({"/firecracker", "--id", kId}, kId));
  CHECK(has_id({"/firecracker", "--id=" + kId}, kId));
  CHECK_FALSE(has_id({"/firecracker", "--id", kId + "0", "x" + kId}, kId));
}
