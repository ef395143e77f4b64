#include "host/prove_confinement.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catch.h"
#include "host/files.h"
#include "host/landlock.h"

using namespace banger;
using namespace banger::host;

TEST_CASE("prove confinement: finds what the kernel has, and confines only its own thread") {
  auto found = prove_confinement();
  CHECK(found.no_new_privileges);
  CHECK(found.system_calls);
  auto version = landlock_version();
  REQUIRE(found.landlock.has_value() == version.has_value());
  if (version)
    CHECK(*found.landlock == *version);
  else
    CHECK(!found.landlock.error().hint.empty());
  UniqueFd made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(made);
  CHECK(read_file("/etc/passwd", 1 << 20));
}
