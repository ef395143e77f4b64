// The last process of a guest with systemd. A root file system cannot be unmounted from inside, and systemd does not
// see the upper layer of an overlay. If /run/initramfs has a program named shutdown, systemd makes that directory its
// root and executes the program (bootup(7)).
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "host/files.h"
#include "roles/agent/init/boot.h"
#include "roles/agent/init/init.h"
#include "roles/agent/init/unmount.h"

namespace banger::roles::agent {

namespace init {

Result<> add_exitrd() {
  TRY(host::make_directories("/run/initramfs", 0700));
  // A second name of the same file in memory.
  if (::link(kAgentFile, "/run/initramfs/shutdown") < 0 && errno != EEXIST)
    return fail_errno("/run/initramfs/shutdown");
  return {};
}

}  // namespace init

int run_exitrd(int argc, char** argv) {
  if (::getpid() != 1) {
    std::fputs("banger: shutdown is the last process of a guest; elsewhere it does nothing\n", stderr);
    return 2;
  }
  std::string_view task = argc > 1 ? argv[1] : "poweroff";
  init::unmount_tree("/oldroot");
  ::sync();
  if (task == "kexec") ::reboot(RB_KEXEC);
  if (task == "kexec" || task == "reboot") ::reboot(RB_AUTOBOOT);
  // Also for "halt": a machine that only stands still would count as running.
  ::reboot(RB_POWER_OFF);
  for (;;) ::pause();
}

}  // namespace banger::roles::agent
