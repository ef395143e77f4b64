#include "engine/reach/listening.h"

#include <fmt/format.h>

#include "catch.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;

namespace {

struct Fixture : test::Fixture {
  test::FakeGuest& guest() { return *host.of(box->record().id())->guest; }
  void listen_on(std::string_view ports) { guest().answers["/listening"] = fmt::format("{{\"ports\":[{}]}}\n", ports); }
  Result<bool> listens() { return run(wait_for_listener(box->parts(), 22, cancel)); }

  std::shared_ptr<VmOwner> box = running();
  host::Cancel cancel{daemon->runtime};
};

constexpr const char* kSsh = R"({"address":"0.0.0.0","port":22})";

}  // namespace

TEST_CASE("listening: a guest that serves the port is ready") {
  Fixture f;
  f.listen_on(kSsh);
  CHECK(f.listens().value());
}

TEST_CASE("listening: a booted guest without a server on the port is looked at twice") {
  Fixture f;
  f.listen_on(R"({"address":"::","port":80})");
  CHECK_FALSE(f.listens().value());
  auto steps = f.log.steps();
  CHECK(std::ranges::count(steps, "agent /listening") == 2);
}

TEST_CASE("listening: a guest that has run for a while is looked at once") {
  Fixture f;
  REQUIRE(f.box->parts().record->edit([](store::VmRow& row, vm::Spec&) { row.started_at -= 60; }));
  f.listen_on(R"({"address":"::","port":80})");
  CHECK_FALSE(f.listens().value());
  auto steps = f.log.steps();
  CHECK(std::ranges::count(steps, "agent /listening") == 1);
}

TEST_CASE("listening: nobody waits after a cancellation, and hostile lists are errors") {
  Fixture f;
  f.guest().answers["/listening"] = "no list\n";
  CHECK_FALSE(f.listens());
  f.guest().answers["/listening"] = "without an end";
  CHECK(f.listens().error().code == ErrorCode::corrupt);
  f.cancel.request();
  CHECK(f.listens().error().code == ErrorCode::cancelled);
}

TEST_CASE("listening: a VM that does not run is the error of every request to its guest") {
  Fixture f;
  REQUIRE(f.run(f.box->kill()));
  CHECK(f.listens().error().hint == "banger vm start box");
}
