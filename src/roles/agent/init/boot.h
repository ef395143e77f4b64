// The parts of the boot, in the order init.cc calls them. Each blocks and is called once, by PID 1 alone.
#pragma once

#include <string>

#include "base/result.h"
#include "guest/root.h"
#include "guestcfg/guest_config.h"

namespace banger::roles::agent::init {

inline constexpr const char* kNewRoot = "/newroot";
inline constexpr const char* kAgentFile = "/run/banger/banger-agent";

/// One line on the console, after the seconds since power-on: `banger: 1.203 modules loaded`. `vm logs` shows it.
void say(std::string_view text);

/// Mounts /proc, /sys, /dev, /run and makes the run directory; the console becomes stdin, stdout and stderr.
Result<> mount_early();

/// Loads every file of `directory` in lexical order; one that fails is said and skipped. Gives back how many are
/// loaded.
int load_modules(const std::string& directory);

/// The guest config the machine was started with: `directory`/config.json and its payloads.
Result<guestcfg::GuestConfig> read_config(const std::string& directory);

/// What is to run as PID 1 in the new root.
struct ImageInit {
  std::string path;  ///< empty: the image has none
  std::string kind;  ///< systemd, openrc, runit, busybox, other, none
};
ImageInit find_init(const guest::Root& root);

/// Leaves in /run/banger what the agent goes by (config.json, init, first-boot) and the agent itself, and for systemd
/// the unit that tells when the boot target is reached.
Result<> write_run_dir(const guestcfg::GuestConfig& config, const ImageInit& init, bool first_boot);

/// The image's boot target is reached as far as anyone can tell: for inits that do not say.
Result<> mark_system_ready();

/// Moves the early mounts over, makes kNewRoot the root and frees the initramfs.
Result<> switch_root();

/// Starts the agent and its supervisor, both children of PID 1.
Result<> start_agent();

/// Keeps the agent running, with growing pauses when it keeps dying, until SIGTERM.
int supervise(int agent_pid);

/// From here on a request to power off waits for small_init(), which keeps it over its exec; the kernel drops signals
/// that a process 1 without a handler gets.
void hold_end_signals();

/// Reaps and waits to be told to power off. Never returns.
[[noreturn]] void small_init();

/// Ends the machine: power-off, or the reset that takes its place under a VMM that was told so (`reboot=k`).
[[noreturn]] void end_machine();

}  // namespace banger::roles::agent::init
