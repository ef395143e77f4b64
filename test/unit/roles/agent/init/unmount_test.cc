#include "roles/agent/init/unmount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "catch.h"
#include "host/files.h"
#include "roles/agent/init/boot.h"
#include "roles/agent/init/init.h"
#include "support/sandbox.h"

using namespace banger;
using namespace banger::roles::agent;
using namespace banger::roles::agent::init;

namespace {

std::string check_tree() {
  for (const char* target : {"/run/old", "/run/old/in ner", "/run/old/in ner/most", "/run/older"}) {
    ::mkdir(target, 0755);
    if (::mount("none", target, "tmpfs", 0, nullptr) < 0) return std::string("mount ") + target;
  }
  {
    UniqueFd busy(::open("/run/old/in ner", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (unmount_tree("/run/old")) return "a busy mount was unmounted";
    if (::mkdir("/run/old/in ner/x", 0755) == 0 || errno != EROFS) return "a busy mount was still writable";
    if (::access("/run/old/in ner/most/x", F_OK) == 0) return "the mount below stayed";
  }
  if (!unmount_tree("/run/old")) return "a free mount stayed";
  return ::rmdir("/run/old") == 0 && ::rmdir("/run/older") < 0 ? "" : "the wrong mounts are left";
}

std::string check_exitrd() {
  ::mkdir("/run/banger", 0700);
  (void)host::write_file(kAgentFile, "the agent", 0755);
  for (int round = 0; round < 2; ++round)
    if (auto added = add_exitrd(); !added) return added.error().sentence();
  struct stat agent{}, shutdown{};
  ::stat(kAgentFile, &agent);
  ::stat("/run/initramfs/shutdown", &shutdown);
  return agent.st_ino == shutdown.st_ino && agent.st_nlink == 2 ? "" : "not the same file";
}

}  // namespace

TEST_CASE("unmount: the mounts below a directory, the newest first, with their real names") {
  const char* mountinfo =
      "1 0 0:1 / / rw - rootfs rootfs rw\n2 1 0:2 / /old rw - overlay overlay rw\n"
      "3 2 0:3 / /old/a\\040b\\134c rw - ext4 /dev/vdb rw\n4 1 0:4 / /older rw - tmpfs tmpfs rw\nshort line\n";
  CHECK(mounts_below(mountinfo, "/old") == std::vector<std::string>{"/old/a b\\c", "/old"});
  CHECK(mounts_below(mountinfo, "/").size() == 4);
  CHECK(mounts_below(mountinfo, "/a").empty());
}

TEST_CASE("unmount: a tree goes with all that is mounted in it; what is busy becomes read-only") {
  if (test::sandbox_available())
    CHECK(test::in_sandbox(check_tree) == "");
  else
    WARN("no namespaces here");
}

TEST_CASE("exitrd: systemd finds it as a second name of the agent") {
  if (test::sandbox_available())
    CHECK(test::in_sandbox(check_exitrd) == "");
  else
    WARN("no namespaces here");
}

TEST_CASE("exitrd: outside of a guest it does nothing") {
  char name[] = "shutdown";
  char* argv[] = {name, nullptr};
  CHECK(run_exitrd(1, argv) == 2);
}
