// Random ids and names are legal VM names and hostnames.
#include "engine/names.h"

#include <set>

#include "catch.h"
#include "vm/spec.h"

using namespace banger;
using namespace banger::engine;

TEST_CASE("names: ids are 12 of [a-z0-9] and differ") {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    auto id = random_id();
    CHECK(id.size() == 12);
    CHECK(id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == id.npos);
    seen.insert(id);
  }
  CHECK(seen.size() == 1000);
}

TEST_CASE("names: every random name is a legal VM name") {
  for (int a = 0; a < 256; ++a)
    for (int b : {0, 1, 127, 255}) {
      std::string bytes = {static_cast<char>(a), static_cast<char>(b), static_cast<char>(b), static_cast<char>(a)};
      CHECK(vm::check_name(random_name(bytes)));
    }
}
