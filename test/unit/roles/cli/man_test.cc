#include "roles/cli/man.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "catch.h"
#include "helpers.h"
#include "host/child.h"
#include "host/files.h"

using namespace banger;
using namespace banger::roles::cli;

TEST_CASE("man: a page for every command that --help offers, and for every group") {
  auto pages = man_pages();
  std::size_t offered = 0;
  for (const Command* command : all_commands()) offered += !command->hidden;
  CHECK(pages.size() == 1 + all_groups().size() + offered);
  for (const auto& page : pages) {
    INFO(page.name);
    CHECK(page.text.find(".SH NAME\n") != std::string::npos);
    for (const Command* command : all_commands())
      if (command->hidden) CHECK(page.name.find(command->name) == std::string::npos);
  }
}

TEST_CASE("man: the pages are written as files that groff takes without a warning") {
  test::Home home;
  auto directory = home.path() + "/man";
  REQUIRE(home.run({"man", "--output", directory}).status == 0);
  auto groff = host::find_program("groff", "/usr/bin:/bin");
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    ++files;
    if (!groff) continue;
    auto errors = home.path() + "/errors";
    auto fd = host::open_file(errors, O_WRONLY | O_CREAT | O_TRUNC);
    REQUIRE(fd);
    auto child = host::spawn({.argv = {*groff, "-man", "-Tutf8", "-Kutf8", "-ww", "-z", entry.path().string()},
                              .env = {"PATH=/usr/bin:/bin"},
                              .cwd = "",
                              .stderr_fd = fd->get()});
    REQUIRE(child);
    CHECK(child->wait().code == 0);
    INFO(entry.path().string());
    CHECK(*host::read_file(errors, 1 << 16) == "");
  }
  CHECK(files == man_pages().size());
}

TEST_CASE("man: prints one page; an unknown page is a usage error") {
  test::Home home;
  CHECK(home.run({"man", "vm", "run"}).out.starts_with(".TH \"BANGER-VM-RUN\" 1"));
  CHECK(home.run({"man", "vm", "snapshot"}).out.starts_with(".TH \"BANGER-VM-SNAPSHOT\" 1"));
  CHECK(home.run({"man", "vm", "snapshot", "create"}).out.starts_with(".TH \"BANGER-VM-SNAPSHOT-CREATE\" 1"));
  CHECK(home.run({"man", "vm"}).out.find("banger\\-vm\\-snapshot (1)") != std::string::npos);
  CHECK(home.run({"man"}).out.starts_with(".TH \"BANGER\" 1"));
  CHECK(home.run({"man", "nope"}).status == 2);
}

namespace {

// A home whose standard output is a terminal, and that has a `man` of its own.
struct Reader {
  explicit Reader(const std::string& man) {
    master = UniqueFd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(master);
    REQUIRE(::grantpt(master.get()) == 0);
    REQUIRE(::unlockpt(master.get()) == 0);
    terminal = UniqueFd(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(terminal);
    home.out = terminal.get();
    if (!man.empty()) REQUIRE(host::write_file(home.path() + "/man", "#!/bin/sh\n" + man + "\n", 0755));
    home.variables["PATH"] = home.path();
  }
  std::string shown() {
    char text[1 << 16];
    auto count = ::read(master.get(), text, sizeof text);
    return {text, count < 0 ? 0 : static_cast<std::size_t>(count)};
  }
  test::Home home;
  UniqueFd master, terminal;
};

}  // namespace

TEST_CASE("man: on a terminal the host's man shows the page, and without one the reader gets the help") {
  Reader with("read -r first; echo \"$* $first\"");
  CHECK(with.home.run({"man", "vm", "run"}).status == 0);
  CHECK(with.shown().starts_with("-l - .TH \"BANGER-VM-RUN\""));
  Reader broken("exit 16"), without("");
  for (auto* reader : {&broken, &without}) {
    CHECK(reader->home.run({"man", "vm", "rename"}).status == 0);
    CHECK(reader->shown().starts_with("Usage: banger vm rename"));
  }
}
