// The parts of the boot, in the order init.cc calls them. Each blocks and is called once, by PID 1 alone.
#pragma once

#include <string>

#include "base/result.h"
#include "guest/init.h"
#include "guest/root.h"
#include "guestcfg/guest_config.h"

namespace banger::roles::agent::init {

inline constexpr const char* kNewRoot = "/newroot";
inline constexpr const char* kAgentFile = "/run/banger/banger-agent";

/// One line on the console, after the seconds since power-on: `banger: 1.203 modules loaded`. `vm logs` shows it.
void say(std::string_view text);

/// Mounts /proc, /sys, /dev, /run and makes the run directory; the console becomes stdin, stdout and stderr.
Result<> mount_early();

/// Loads every file of `directory` in lexical order. A failure is printed and skipped. Returns the number of loaded
/// modules.
int load_modules(const std::string& directory);

/// The guest config with which the machine was started: `directory`/config.json and its payloads.
Result<guestcfg::GuestConfig> read_config(const std::string& directory);

guest::Init find_init(const guest::Root& root);

/// Writes the agent's files to /run/banger (config.json, init) and the agent itself. For systemd, also
/// writes the unit that reports when the boot target is reached, and the modes of device nodes.
Result<> write_run_dir(const guestcfg::GuestConfig& config, const guest::Init& init);

/// Puts the program that ends a guest with systemd where systemd looks for it.
Result<> add_exitrd();

/// Marks the boot target as reached, for inits that do not report it.
Result<> mark_system_ready();

/// Whether a root's systemd would mount what this unit names: the unit is there, and neither masked nor replaced.
bool mounts_unit(const guest::Root& root, const std::string& unit);

/// Mounts what the systemd of this root would mount below /dev and /sys. A failure leaves that mount to systemd.
void mount_for_systemd(const guest::Root& root);

/// Moves the early mounts over, makes kNewRoot the root and frees the initramfs.
Result<> switch_root();

/// The rest of the boot, with the agent and the image's init, runs in namespaces of its own. A process 1 that is not
/// the caller stays outside, and ends the machine after that init (keep()).
Result<> enter_namespace();

/// Waits for the init of the image, then unmounts the disks and ends the machine. Never returns.
[[noreturn]] void keep(int image_init);

/// Starts the agent and its supervisor, both as children of PID 1.
Result<> start_agent();

/// Restarts the agent whenever it ends, with growing pauses if it ends early, until SIGTERM.
int supervise(int agent_pid);

/// Blocks the signals that request a power-off, so that they wait for small_init(), also across its exec. Otherwise the
/// kernel drops signals for a process 1 without a handler.
void hold_end_signals();

/// Reaps processes until a signal requests a power-off. Never returns.
[[noreturn]] void small_init();

/// Ends the machine by a power-off, or by a reset if the kernel's command line has `reboot=k`.
[[noreturn]] void end_machine();

}  // namespace banger::roles::agent::init
