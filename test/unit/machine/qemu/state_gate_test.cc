#include "machine/qemu/state_gate.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>

#include "machine/support.h"
#include "host/files.h"

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

struct Bench {
  Bench() {
    auto made = StateGate::make();
    REQUIRE(made);
    gate = std::move(*made);
    reader = gate->take_reader();
  }
  std::string file(const std::string& text) {
    auto path = directory.path + "/devices.state";
    REQUIRE(host::write_file(path, text));
    return path;
  }
  TemporaryDirectory directory;
  std::optional<StateGate> gate;
  UniqueFd reader;
};

}  // namespace

TEST_CASE("state gate: the header goes through at once, the rest when it is opened, then comes the end") {
  Bench bench;
  CHECK(read_once(bench.reader.get()) == kHeader);
  REQUIRE(bench.gate->open(bench.file(kHeader + "devices")));
  CHECK(read_to_end(bench.reader.get()) == "devices");
}

TEST_CASE("state gate: one that is never opened ends what reads it") {
  Bench bench;
  bench.gate.reset();
  CHECK(read_to_end(bench.reader.get()) == kHeader);
}

TEST_CASE("state gate: a state larger than the pipe goes through as it is read") {
  Bench bench;
  std::string state = kHeader + std::string(5 << 20, 's');
  std::string got;
  std::thread reader([&] { got = read_to_end(bench.reader.get()); });
  auto opened = bench.gate->open(bench.file(state));
  reader.join();
  CHECK(opened);
  CHECK(got == state);
}

TEST_CASE("state gate: a reader that has all of it and closes at once is no error") {
  for (int i = 0; i < 50; ++i) {
    Bench bench;
    std::string state = kHeader + std::string(70'000, 's');
    std::thread reader([&] {
      std::string got;
      char bytes[4096];
      while (got.size() < state.size())
        got.append(bytes,
                   static_cast<std::size_t>(std::max<ssize_t>(::read(bench.reader.get(), bytes, sizeof(bytes)), 0)));
      bench.reader.reset();
    });
    auto opened = bench.gate->open(bench.file(state));
    reader.join();
    REQUIRE(opened);
  }
}

TEST_CASE("state gate: no reader any more, no file, and what is no saved state are errors") {
  ::signal(SIGPIPE, SIG_IGN);
  Bench bench;
  CHECK(bench.gate->open(bench.directory.path + "/none").error().code == ErrorCode::not_found);
  CHECK(bench.gate->open(bench.file("")).error().code == ErrorCode::corrupt);
  CHECK(bench.gate->open(bench.file("QEVM\1\1\1\1 and more")).error().code == ErrorCode::corrupt);
  bench.reader.reset();
  CHECK(bench.gate->open(bench.file(kHeader + "devices")).error().code == ErrorCode::unavailable);
}
