#include "roles/cli/man.h"

#include <fcntl.h>

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
