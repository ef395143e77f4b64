#include "roles/cli/table.h"

#include "catch.h"

using namespace banger::roles::cli;

TEST_CASE("table: columns align by display width, not by bytes") {
  Table table({"NAME", "STATE"});
  table.add({"wéb", "running"});
  table.add({"日本", "stopped"});
  table.add({"", "x"});
  CHECK(table.text(Colours::off) == "NAME  STATE\nwéb   running\n日本  stopped\n-     x\n");
}

TEST_CASE("table: colours do not shift columns, and can be turned off") {
  Table table({"A", "B"});
  table.add({"x", "y"});
  table.colour_last(0, Paint::green);
  CHECK(table.text(Colours::on) == "\033[1mA\033[0m  \033[1mB\033[0m\n\033[32mx\033[0m  y\n");
  CHECK(table.text(Colours::off) == "A  B\nx  y\n");
}

TEST_CASE("table: control bytes from a guest never reach the terminal") {
  Table table;
  table.add({"name",
             "a\033]0;evil\007b\nc\xc2\x9b"
             "d\xff"});
  CHECK(table.text(Colours::off) == "name  a?]0;evil?b?c?d?\n");
}

TEST_CASE("display width: wide, combining and broken text") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("e\xcc\x81") == 1);
  CHECK(display_width("🙂") == 2);
  CHECK(display_width("\xe6\x97") == 2);
}
