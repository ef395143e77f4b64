// PID 1 of a guest, from the kernel's start of /init to the image's own init, and the processes that remain beside that
// init.
//
//   /init                in the initramfs: mounts, modules, guest config, agent, switch_root, exec of the image's init
//   init supervise PID   keeps the agent (already running as PID) alive; stays a child of PID 1
//   init small           PID 1 of an image that has no init
//   shutdown TASK        PID 1 after systemd: unmounts the disks and ends the machine
#pragma once

namespace banger::roles::agent {

/// Entry of the role "init". Returns only on wrong use (2) or when a supervisor gets SIGTERM (0).
int run_init(int argc, char** argv);

/// Entry of the role "shutdown". TASK is systemd's: poweroff, reboot, halt or kexec. Returns only on wrong use (2).
int run_exitrd(int argc, char** argv);

}  // namespace banger::roles::agent
