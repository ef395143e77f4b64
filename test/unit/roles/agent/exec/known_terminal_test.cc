#include "roles/agent/exec/known_terminal.h"

#include "roles/agent/harness.h"

using namespace banger::roles::agent;

TEST_CASE("known_terminal: a terminal that the guest does not describe becomes xterm-256color") {
  banger::test::TempDir guest;
  auto known = [&](const std::string& term) { return known_terminal(term, "/home/dev", guest.path()); };
  // Without descriptions there is nothing better.
  CHECK(known("xterm-new") == "xterm-new");
  guest.put("usr/share/terminfo/78/xterm-256color", "");
  guest.put("lib/terminfo/s/screen", "");
  guest.put("home/dev/.terminfo/x/xterm-own", "");
  CHECK(known("screen") == "screen");
  CHECK(known("xterm-own") == "xterm-own");
  CHECK(known("xterm-256color") == "xterm-256color");
  for (const char* unknown : {"xterm-new", "", "/etc/passwd", "x/../../s/screen"})
    CHECK(known(unknown) == "xterm-256color");
}
