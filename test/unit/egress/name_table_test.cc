// Names found by their rules, and no others.
#include "egress/name_table.h"

#include "catch.h"

using namespace banger::egress;

TEST_CASE("name table: a name is itself, names below it are another rule") {
  NameTable table;
  table.add("example.org", {443, 443});
  table.add_below("example.net", {80, 80});
  CHECK(table.contains("example.org"));
  CHECK_FALSE(table.contains("www.example.org"));
  CHECK_FALSE(table.contains("example.net"));
  CHECK(table.contains("www.example.net"));
  CHECK(table.contains("a.b.c.example.net"));
  CHECK_FALSE(table.contains("badexample.net"));
  CHECK_FALSE(table.contains("example.net.evil.org"));
  CHECK_FALSE(table.contains("net"));
  CHECK_FALSE(table.contains(""));
}

TEST_CASE("name table: the ports of all rules about a name count") {
  NameTable table;
  table.add("a.b.example.org", {22, 22});
  table.add("a.b.example.org", {2222, 2222});
  table.add_below("b.example.org", {80, 80});
  table.add_below("example.org", {443, 443});
  for (std::uint16_t port : {22, 80, 443, 2222}) CHECK(table.allows("a.b.example.org", port));
  CHECK_FALSE(table.allows("a.b.example.org", 23));
  CHECK(table.allows("c.example.org", 443));
  CHECK_FALSE(table.allows("c.example.org", 80));
  CHECK(table.ports_of("a.b.example.org").ranges().size() == 4);
  CHECK(table.ports_of("c.b.example.org").ranges() == std::vector<PortRange>{{80, 80}, {443, 443}});
  CHECK(table.ports_of("example.com").empty());
}
