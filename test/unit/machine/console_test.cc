#include "machine/console.h"

#include "machine/files.h"
#include "machine/support.h"

using namespace banger;
using namespace banger::machine;

namespace {

struct Console {
  void print(const std::string& text) {
    all += text;
    REQUIRE(host::write_file(directory.path() + "/" + std::string(kConsoleLog), all));
  }
  MachineRecord record() const { return {.directory = directory.path(), .console_from = from}; }
  TempDir directory;
  std::string all;
  std::uint64_t from = 0;
};

}  // namespace

TEST_CASE("console: a halted kernel's words count only as the last line") {
  for (const char* words : {"reboot: System halted", "[   12.3] reboot: System halted",
                            "[    1.0] reboot: Power off not available: System halted instead"}) {
    Console console;
    CHECK(!has_halted(console.record()));
    console.print(std::string("a guest came up\r\n") + words + "\r\n");
    CHECK(has_halted(console.record()));
    console.print("login: ");
    CHECK(!has_halted(console.record()));
  }
}

TEST_CASE("console: the end of an earlier machine is not that of the next one") {
  Console console;
  console.print("[ 3.1] Kernel panic - not syncing: Attempted to kill init!\r\n[ 5.0] reboot: System halted\r\n");
  CHECK(has_halted(console.record()));
  CHECK(panic_of(console.record()) == "Attempted to kill init!");
  console.from = console_size(console.directory.path());
  CHECK(!has_halted(console.record()));
  CHECK(panic_of(console.record()).empty());
  CHECK(end_of_reset(console.record()).guest_initiated);
  console.print("[ 9.0] reboot: System halted\r\n");
  CHECK(has_halted(console.record()));
  // A console that was cut is shorter than before.
  console.all.clear();
  console.print("[ 1.0] reboot: System halted\r\n");
  CHECK(has_halted(console.record()));
}

TEST_CASE("console: the last line tells an end that nobody has seen") {
  auto end_after = [](const std::string& words) {
    Console console;
    console.print("a guest came up\r\n" + words + "\r\n");
    auto end = end_on_console(console.record());
    return end ? end->reason : "";
  };
  CHECK(end_after("login:") == "");
  CHECK(end_after("[   12.3] reboot: Restarting system") == "guest-reset");
  CHECK(end_after("reboot: Restarting system with command 'now'") == "guest-reset");
  CHECK(end_after("reboot: Restarting system\r\nreboot: machine restart") == "guest-reset");
  CHECK(end_after("reboot: Restarting system\r\nlogin:") == "");
  CHECK(end_after("[ 7.0] reboot: Power down") == "guest-shutdown");
  CHECK(end_after("[ 7.0] reboot: System halted") == "guest-shutdown");
  CHECK(end_after("[ 9.9] Kernel panic - not syncing: oops\r\n[ 9.9] CPU: 0") == "kernel panic: oops");
}

TEST_CASE("console: a panic is the reason of the reset after it") {
  Console console;
  console.print("[ 9.9] Kernel panic - not syncing: sysrq triggered crash\r\n[ 9.9] CPU: 0 PID: 1 Comm: sh\r\n");
  auto exit = end_of_reset(console.record());
  CHECK(!exit.guest_initiated);
  CHECK(exit.reason == "kernel panic: sysrq triggered crash");
  console.print("[ 9.9] Kernel panic - not syncing: \x1b[31m" + std::string(5000, 'x'));
  CHECK(panic_of(console.record()).size() < 1000);
  CHECK(panic_of(console.record()).find('\x1b') == std::string::npos);
}
