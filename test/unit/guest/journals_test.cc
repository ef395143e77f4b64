#include "guest/journals.h"

#include "catch.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::guest;

namespace {

const std::string kOld(32, 'a'), kNew(32, 'b');

/// The header's first fields: signature, flags, state, file id, machine id, and the first bytes of the next field.
std::string journal(char machine) { return "LPKSHHRH" + std::string(32, '.') + std::string(16, machine) + "rest"; }

}  // namespace

TEST_CASE("journals: a clone finds those of its template under its own id, and so does the running journald") {
  test::TempDir directory;
  directory.put("var/log/journal/" + kOld + "/system.journal", "text");
  auto root = Root::open(directory.path());
  REQUIRE(rename_journals(*root, kOld, kNew));
  CHECK(directory.get("var/log/journal/" + kNew + "/system.journal") == "text");
  CHECK(directory.get("var/log/journal/" + kOld + "/system.journal") == "text");
  CHECK(rename_journals(*root, std::string(32, 'c'), kNew));
}

TEST_CASE("journals: at boot every journal belongs to this machine, and other files stay as they are") {
  test::TempDir directory;
  auto file = [](const char* name) { return "var/log/journal/" + kNew + "/" + name; };
  for (const char* name : {"system.journal", "user-1000.journal", "old~", "system.txt"})
    directory.put(file(name), journal('\xaa'));
  directory.put(file("short.journal"), "LPKSHHRH");
  directory.put(file("other.journal"), std::string(100, '\xaa'));
  std::filesystem::create_symlink("system.txt", directory / file("link.journal"));
  auto root = Root::open(directory.path());
  REQUIRE(adopt_journals(*root, kNew));
  CHECK(directory.get(file("system.journal")) == journal('\xbb'));
  CHECK(directory.get(file("user-1000.journal")) == journal('\xbb'));
  CHECK(directory.get(file("system.txt")) == journal('\xaa'));
  CHECK(directory.get(file("short.journal")) == "LPKSHHRH");
  CHECK(directory.get(file("other.journal")) == std::string(100, '\xaa'));
  CHECK(adopt_journals(*root, kOld));
}
