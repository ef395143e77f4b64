// Random names are legal VM names and hostnames.
#include "engine/names.h"

#include "catch.h"
#include "vm/spec.h"

using namespace banger;
using namespace banger::engine;

TEST_CASE("names: every random name is a legal VM name") {
  for (int a = 0; a < 256; ++a)
    for (int b : {0, 1, 127, 255}) {
      std::string bytes = {static_cast<char>(a), static_cast<char>(b), static_cast<char>(b), static_cast<char>(a)};
      CHECK(vm::check_name(random_name(bytes)));
    }
}
