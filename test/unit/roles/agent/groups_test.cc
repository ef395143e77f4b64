// Where cgroup2 is mounted. The groups themselves are tested with the freezer and with commands.
#include "roles/agent/groups.h"

#include "catch.h"

using namespace banger::roles::agent;

TEST_CASE("groups: finds the whole hierarchy of cgroup2 and not a part") {
  constexpr const char* kBefore =
      "30 1 0:25 / /sys rw - sysfs sysfs rw\n31 30 0:26 / /sys/fs/cgroup rw - cgroup cgroup rw,cpu\n";
  CHECK(find_cgroup2(std::string(kBefore) + "41 31 0:38 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n") ==
        "/sys/fs/cgroup/unified");
  CHECK(find_cgroup2("41 31 0:38 /sub /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n") == "");
  CHECK(find_cgroup2(kBefore) == "");
  CHECK(find_cgroup2("41 - cgroup2 \n") == "");
  CHECK(find_cgroup2("") == "");
}
