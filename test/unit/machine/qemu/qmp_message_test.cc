#include "machine/qemu/qmp_message.h"

#include <nlohmann/json.hpp>

#include "catch.h"
#include "machine/qemu/bounds.h"

using namespace banger;
using namespace banger::machine::qemu;

TEST_CASE("qmp message: knows greetings, replies, errors and events") {
  CHECK(std::holds_alternative<QmpGreeting>(*parse_qmp(R"({"QMP": {"version": {}, "capabilities": ["oob"]}})")));

  auto reply = parse_qmp(R"({"return": {"status": "running"}, "id": 3})");
  REQUIRE(reply);
  CHECK(std::get<QmpReply>(*reply).id == 3);
  CHECK(std::get<QmpReply>(*reply).value == R"({"status":"running"})");

  auto refusal = parse_qmp(
      R"({"id": 4, "error": {"class": "CommandNotFound", "desc": "The command x\u001b has not been found"}})");
  REQUIRE(refusal);
  REQUIRE(std::get<QmpReply>(*refusal).error);
  CHECK(std::get<QmpReply>(*refusal).error->code == ErrorCode::unsupported);
  CHECK(std::get<QmpReply>(*refusal).error->message == "The command x\\x1b has not been found");

  auto event = parse_qmp(R"({"timestamp": {"seconds": 1}, "event": "SHUTDOWN", "data": {"guest": true}})");
  REQUIRE(event);
  CHECK(std::get<QmpEvent>(*event).name == "SHUTDOWN");
  CHECK(std::get<QmpEvent>(*event).data == R"({"guest":true})");
}

TEST_CASE("qmp message: refuses everything else with a reason") {
  for (auto text : {"", "{", "[]", "7", "null", "{}", R"({"error": 5})", R"({"error": {"class": "X"}})",
                    R"({"event": 1})", R"({"return": {}, "id": "x"})", "\xff\xfe"}) {
    INFO(text);
    auto message = parse_qmp(text);
    REQUIRE(!message);
    CHECK(!message.error().message.empty());
  }
  CHECK(!parse_qmp(std::string(10'000, '[')));
}

TEST_CASE("qmp message: a command is one line with its id") {
  CHECK(qmp_command("stop", nullptr, 5) == "{\"execute\":\"stop\",\"id\":5}\n");
  CHECK(qmp_command("balloon", {{"value", 1}}, 6) ==
        "{\"arguments\":{\"value\":1},\"execute\":\"balloon\",\"id\":6}\n");
}

TEST_CASE("qmp lines: come out whole however they were cut") {
  LineSplitter splitter;
  for (char c : std::string("one\r\ntwo\n\nthr")) splitter.add({&c, 1});
  CHECK(**splitter.next() == "one");
  CHECK(**splitter.next() == "two");
  CHECK(**splitter.next() == "");
  CHECK(!*splitter.next());
  splitter.add("ee\n");
  CHECK(**splitter.next() == "three");
}

TEST_CASE("qmp lines: an endless line is an error, not memory") {
  LineSplitter splitter;
  std::string part(limits::kQmpLineBytes / 4, 'x');
  for (int i = 0; i < 4; ++i) {
    splitter.add(part);
    auto line = splitter.next();
    REQUIRE(line);
    CHECK(!*line);
  }
  splitter.add("x");
  CHECK(splitter.next().error().code == ErrorCode::exhausted);
}
