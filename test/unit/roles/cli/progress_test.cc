#include "roles/cli/progress.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include "catch.h"
#include "helpers.h"
#include "host/files.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {
Io quiet_io(int err) {
  return Io{
      .err = err,
      .env =
          [](const std::string& name) { return name == "TERM" ? std::optional<std::string>("xterm") : std::nullopt; },
      .environment = {},
      .daemon_command = {}};
}

// Standard error in a file.
struct ErrorFile {
  std::string text() const { return *host::read_file(dir.path() + "/err", 4096); }
  test::TempDir dir;
  UniqueFd fd = *host::open_file(dir.path() + "/err", O_RDWR | O_CREAT);
  Io io = quiet_io(fd.get());
};
}  // namespace

TEST_CASE("progress: without a terminal each slow stage is one plain line") {
  ErrorFile file;
  auto written = [&](std::string_view wanted) {
    for (int i = 0; i < 1000 && file.text() != wanted; ++i) ::usleep(10'000);
    return file.text() == wanted;
  };
  {
    Progress progress(file.io, std::chrono::milliseconds(0));
    progress.update({"pull", "debian-cloud", 1});
    CHECK(written("banger: pull: debian-cloud\n"));
    progress.update({"pull", "debian-cloud", 50});
    progress.update({"boot", "", -1});
    CHECK(written("banger: pull: debian-cloud\nbanger: boot\n"));
    progress.update({"pull", "again", 50});
  }
  CHECK(file.text() == "banger: pull: debian-cloud\nbanger: boot\n");
}

TEST_CASE("progress: without a terminal quick stages print nothing") {
  ErrorFile file;
  {
    Progress progress(file.io, std::chrono::hours(1));
    progress.update({"disks", "", -1});
    progress.update({"boot", "", -1});
  }
  CHECK(file.text().empty());
}

TEST_CASE("progress: a template is announced once, before it is made") {
  ErrorFile file;
  {
    Progress progress(file.io, std::chrono::hours(1));
    progress.update({"template", "a guest boots once (hint: earlier)", -1});
    progress.update({"template", "boot", -1});
  }
  CHECK(file.text() == "banger: template: a guest boots once (hint: earlier)\n");
}

TEST_CASE("progress: each warning is printed at once") {
  ErrorFile file;
  {
    Progress progress(file.io, std::chrono::hours(1));
    progress.update({"warning", "one\033[2J", -1});
    progress.update({"warning", "two", -1});
  }
  CHECK(file.text().find("banger: warning: one") == 0);
  CHECK(file.text().find('\033') == std::string::npos);
  CHECK(file.text().find("banger: warning: two\n") != std::string::npos);
}

TEST_CASE("progress: on a terminal one line is redrawn and wiped at the end") {
  UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(master);
  REQUIRE(::grantpt(master.get()) == 0);
  REQUIRE(::unlockpt(master.get()) == 0);
  UniqueFd terminal(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(terminal);
  auto io = quiet_io(terminal.get());
  std::string seen;
  auto read_until = [&](std::string_view wanted) {
    while (seen.find(wanted) == seen.npos) {
      pollfd waiting{master.get(), POLLIN, 0};
      if (::poll(&waiting, 1, 10'000) <= 0) return false;
      char chunk[1024];
      auto count = ::read(master.get(), chunk, sizeof chunk);
      if (count <= 0) return false;
      seen.append(chunk, static_cast<std::size_t>(count));
    }
    return true;
  };
  {
    Progress progress(io);
    progress.update({"boot", "waiting for the agent", 42});
    CHECK(read_until("boot: waiting for the agent"));
    CHECK(read_until(" 42%"));
  }
  CHECK(read_until("\r\033[K"));
  CHECK(seen.find("banger:") == seen.npos);
}

TEST_CASE("progress: the live line fits the terminal for every text of the daemon") {
  rpc::ProgressUpdate update{"unpack", std::string(300, 'x') + "ééé\033[2J", 30};
  for (std::size_t columns : {20u, 40u, 80u, 200u}) {
    auto line = progress_line(update, 3, 12, columns);
    CHECK(display_width(line) <= std::max<std::size_t>(columns, 48));
    CHECK(line.find('\033') == line.npos);
  }
  CHECK(progress_line({"boot", "", -1}, 0, 0, 80) == "⠋ boot");
  CHECK(progress_line({"boot", "", 50}, 0, 3, 80) == "⠋ boot  ██████████░░░░░░░░░░  50%  3s");
}
