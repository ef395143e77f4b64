#include "machine/machine.h"

#include <signal.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "support.h"

using namespace banger;
using namespace banger::machine;

namespace {

MachineRecord example() {
  return {.driver = "qemu",
          .accelerator = "tcg",
          .version = "7.2.22 (Debian)",
          .process = {4711, 123456789012ull},
          .token = "0123abcd",
          .directory = "/home/a/vms/b"};
}

}  // namespace

TEST_CASE("machine record: survives the store and back") {
  auto record = record_from_json(to_json(example()));
  REQUIRE(record);
  CHECK(to_json(*record) == to_json(example()));
  CHECK(record->process == example().process);
}

TEST_CASE("machine record: a record without a process is valid, and finds no process") {
  auto json = to_json(example());
  json["pid"] = 0;
  auto record = record_from_json(json);
  REQUIRE(record);
  CHECK(!host::open_process(record->process));
}

TEST_CASE("machine record: refuses what could name the wrong process") {
  for (auto [key, value] : std::initializer_list<std::pair<const char*, Json>>{
           {"pid", -1}, {"pid", 1}, {"pid", 1ll << 40}, {"pid", "4711"}, {"start_time", -5}, {"token", nullptr}}) {
    auto json = to_json(example());
    json[key] = value;
    INFO(key << " = " << value);
    auto record = record_from_json(json);
    REQUIRE(!record);
    CHECK(record.error().message.find(key) != std::string::npos);
  }
}

TEST_CASE("find by token: finds the live process that carries it, and only while it lives") {
  auto token = to_hex(host::random_bytes(16));
  CHECK(!find_process_by_token(token));
  WaitingProcess waiting("guest=banger-x/" + token);
  auto found = find_process_by_token(token);
  REQUIRE(found);
  CHECK(found->pid == waiting.child.pid());
  CHECK(*found == *host::process_id(waiting.child.pid()));
  REQUIRE(waiting.child.signal(SIGKILL));
  waiting.child.wait();
  CHECK(!find_process_by_token(token));
}

TEST_CASE("find by token: an empty token finds nothing") { CHECK(!find_process_by_token("")); }
