// Users by name and number.
#include "host/passwd.h"

#include "catch.h"
#include "support/temp_dir.h"

using namespace banger::host;

TEST_CASE("passwd: finds a user by name and by number, and nothing in broken lines") {
  banger::test::TempDir dir;
  dir.put("passwd",
          "root:x:0:0:root:/root:/bin/sh\n\nbroken\nshort:x:7:7\nnumber:x:9x:9:::\nana:x:1000:1001:Ana,,,:/home/ana:/"
          "bin/bash\n");
  auto ana = find_user("ana", dir / "passwd");
  REQUIRE(ana);
  CHECK(ana->uid == 1000);
  CHECK(ana->gid == 1001);
  CHECK(ana->home == "/home/ana");
  CHECK(find_user(uid_t{1000}, dir / "passwd")->name == "ana");
  CHECK_FALSE(find_user("an", dir / "passwd"));
  CHECK_FALSE(find_user("number", dir / "passwd"));
  CHECK_FALSE(find_user("short", dir / "passwd"));
  CHECK_FALSE(find_user(uid_t{7}, dir / "passwd"));
  CHECK_FALSE(find_user("ana", dir / "none"));
}
