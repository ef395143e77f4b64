// The user's own ~/.ssh/config: nothing but banger's block changes, in odd files too.
#include "roles/cli/ssh_include.h"

#include <sys/stat.h>
#include <unistd.h>

#include "catch.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {

const std::string kBlock =
    "# banger ssh-config: begin; --uninstall removes this block\nInclude \"/s/config\"\n# banger ssh-config: end\n";

struct Fixture {
  test::TempDir home;
  mode_t mode(const std::string& name) const {
    struct stat info{};
    return ::stat((home / name).c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
  }
  Result<Edit> install() const { return install_include(home.path(), "/s/config"); }
  Result<Edit> uninstall() const { return uninstall_include(home.path()); }
  std::ptrdiff_t files() const { return std::distance(std::filesystem::directory_iterator(home / ".ssh"), {}); }
};

}  // namespace

TEST_CASE("ssh include: the block comes first, once, and leaves without a trace") {
  for (std::string text : {"", "Host a\n  User b\n", "Host a", "Host a\r\n  User b\r\n", "\n\n", "\r\n",
                           "# x\n\nHost *", "Host \xff\xfe\n", "\t Include other\n"}) {
    CAPTURE(text);
    auto with = with_include(text, "/s/config");
    CHECK(with == kBlock + text);
    CHECK(has_include(with, "/s/config"));
    CHECK_FALSE(has_include(with, "/other"));
    CHECK(with_include(with, "/s/config") == with);
    CHECK(without_include(with) == text);
    CHECK(without_include(text) == text);
  }
}

TEST_CASE("ssh include: a block in another place, with another path or other line breaks, is the same block") {
  std::string other;
  for (char c : kBlock) other += c == '\n' ? std::string("\r\n") : std::string(1, c);
  CHECK(with_include("Host a\n" + kBlock + "Host b\n", "/s/config") == kBlock + "Host a\nHost b\n");
  CHECK(with_include(with_include("Host a", "/old"), "/s/config") == kBlock + "Host a");
  CHECK(without_include("Host a\r\n" + other + "Host b\r\n") == "Host a\r\nHost b\r\n");
  CHECK(without_include(kBlock + "Host a\n" + kBlock) == "Host a\n");
  // Without a line break at its end.
  CHECK(without_include("Host a\n" + kBlock.substr(0, kBlock.size() - 1)) == "Host a\n");
}

TEST_CASE("ssh include: a block whose end was edited away stays, and so do lines that only look like one") {
  auto open = kBlock.substr(0, kBlock.find("# banger ssh-config: end")) + "Host mine\n";
  CHECK(without_include(open) == open);
  CHECK(with_include(open, "/s/config") == kBlock + open);
  auto indented = "  " + kBlock;
  CHECK(without_include(indented) == indented);
}

TEST_CASE_METHOD(Fixture, "ssh include: a missing file and directory are created, private") {
  CHECK(uninstall().value() == Edit::unchanged);
  CHECK_FALSE(std::filesystem::exists(home / ".ssh"));
  CHECK(install().value() == Edit::changed);
  CHECK(home.get(".ssh/config") == kBlock);
  CHECK(mode(".ssh/config") == 0600);
  CHECK(mode(".ssh") == 0700);
  CHECK(is_included(home.path(), "/s/config"));
  CHECK(install().value() == Edit::unchanged);
  CHECK(uninstall().value() == Edit::changed);
  CHECK(uninstall().value() == Edit::unchanged);
  CHECK(home.get(".ssh/config").empty());
  CHECK(files() == 1);
}

TEST_CASE_METHOD(Fixture, "ssh include: mode and bytes of the user's file stay") {
  home.put(".ssh/config", "Host a\r\n\tUser b");
  ::chmod((home / ".ssh/config").c_str(), 0640);
  ::chmod((home / ".ssh").c_str(), 0750);
  CHECK(install().value() == Edit::changed);
  CHECK(home.get(".ssh/config") == kBlock + "Host a\r\n\tUser b");
  CHECK(mode(".ssh/config") == 0640);
  CHECK(mode(".ssh") == 0750);
  CHECK(uninstall().value() == Edit::changed);
  CHECK(home.get(".ssh/config") == "Host a\r\n\tUser b");
  CHECK(mode(".ssh/config") == 0640);
}

TEST_CASE_METHOD(Fixture, "ssh include: a symlink stays one, and its target changes") {
  home.put("dotfiles/ssh", "Host a\n");
  std::filesystem::create_directories(home / ".ssh");
  std::filesystem::create_symlink("../dotfiles/ssh", home / ".ssh/config");
  CHECK(install().value() == Edit::changed);
  CHECK(std::filesystem::read_symlink(home / ".ssh/config") == "../dotfiles/ssh");
  CHECK(home.get("dotfiles/ssh") == kBlock + "Host a\n");
  CHECK(uninstall().value() == Edit::changed);
  CHECK(home.get("dotfiles/ssh") == "Host a\n");
  std::filesystem::remove(home / "dotfiles/ssh");
  auto nowhere = install();
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().hint == "correct the symlink, or remove it");
  CHECK(std::filesystem::is_symlink(home / ".ssh/config"));
}

TEST_CASE_METHOD(Fixture, "ssh include: a read-only file, and what is no file, stay as they are") {
  home.put(".ssh/config", "Host a\n");
  ::chmod((home / ".ssh/config").c_str(), 0400);
  auto refused = install();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::denied);
  CHECK(refused.error().hint == "write this line at its top yourself: Include \"/s/config\"");
  CHECK(home.get(".ssh/config") == "Host a\n");
  CHECK(files() == 1);
  std::filesystem::remove(home / ".ssh/config");
  std::filesystem::create_directories(home / ".ssh/config");
  CHECK_FALSE(install());
  std::filesystem::remove(home / ".ssh/config");
  REQUIRE(::mkfifo((home / ".ssh/config").c_str(), 0600) == 0);
  CHECK(install().error().code == ErrorCode::invalid);
  CHECK_FALSE(is_included(home.path(), "/s/config"));
}
