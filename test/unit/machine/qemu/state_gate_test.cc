#include "machine/qemu/state_gate.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>

#include "host/files.h"
#include "machine/support.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::qemu;

namespace {

const std::string kHeader("QEVM\0\0\0\3", 8);

std::string read_to_end(int fd) {
  std::string text;
  char bytes[65536];
  for (ssize_t got; (got = ::read(fd, bytes, sizeof(bytes))) > 0;) text.append(bytes, static_cast<std::size_t>(got));
  return text;
}

std::string read_once(int fd) {
  char bytes[64];
  auto got = ::read(fd, bytes, sizeof(bytes));
  return got < 0 ? "nothing" : std::string(bytes, static_cast<std::size_t>(got));
}

struct Fixture {
  Fixture() {
    auto made = StateGate::make();
    REQUIRE(made);
    gate = std::move(*made);
    reader = gate->take_reader();
  }
  std::string file(const std::string& text) {
    auto path = directory.path() + "/devices.state";
    REQUIRE(host::write_file(path, text));
    return path;
  }
  TempDir directory;
  std::optional<StateGate> gate;
  UniqueFd reader;
};

}  // namespace

TEST_CASE("state gate: the header goes through at once, the rest when it is opened, then comes the end") {
  Fixture fixture;
  CHECK(read_once(fixture.reader.get()) == kHeader);
  REQUIRE(fixture.gate->open(fixture.file(kHeader + "devices")));
  CHECK(read_to_end(fixture.reader.get()) == "devices");
}

TEST_CASE("state gate: a gate that is never opened ends its reader") {
  Fixture fixture;
  fixture.gate.reset();
  CHECK(read_to_end(fixture.reader.get()) == kHeader);
}

TEST_CASE("state gate: a state larger than the pipe goes through as it is read") {
  Fixture fixture;
  std::string state = kHeader + std::string(5 << 20, 's');
  std::string got;
  std::thread reader([&] { got = read_to_end(fixture.reader.get()); });
  auto opened = fixture.gate->open(fixture.file(state));
  reader.join();
  CHECK(opened);
  CHECK(got == state);
}

TEST_CASE("state gate: a reader that closes after the last byte is no error") {
  for (int i = 0; i < 50; ++i) {
    Fixture fixture;
    std::string state = kHeader + std::string(70'000, 's');
    std::thread reader([&] {
      std::string got;
      char bytes[4096];
      while (got.size() < state.size())
        got.append(bytes,
                   static_cast<std::size_t>(std::max<ssize_t>(::read(fixture.reader.get(), bytes, sizeof(bytes)), 0)));
      fixture.reader.reset();
    });
    auto opened = fixture.gate->open(fixture.file(state));
    reader.join();
    REQUIRE(opened);
  }
}

TEST_CASE("state gate: a missing reader, a missing file and a malformed state are errors") {
  ::signal(SIGPIPE, SIG_IGN);
  Fixture fixture;
  CHECK(fixture.gate->open(fixture.directory.path() + "/none").error().code == ErrorCode::not_found);
  CHECK(fixture.gate->open(fixture.file("")).error().code == ErrorCode::corrupt);
  CHECK(fixture.gate->open(fixture.file("QEVM\1\1\1\1 and more")).error().code == ErrorCode::corrupt);
  fixture.reader.reset();
  CHECK(fixture.gate->open(fixture.file(kHeader + "devices")).error().code == ErrorCode::unavailable);
}
