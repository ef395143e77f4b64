// The state that all routes share: the event loop, the log, the run directory, and a few values. One per process;
// handlers keep it alive. Control thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "capabilities/capability.h"
#include "host/runtime.h"
#include "roles/agent/counts.h"
#include "roles/agent/exec/command_groups.h"
#include "roles/agent/exec/main_commands.h"
#include "roles/agent/exec/sessions/sessions.h"
#include "roles/agent/exec/sessions/start_keeper.h"
#include "roles/agent/log_file.h"
#include "roles/agent/pace.h"
#include "roles/agent/proc_stats.h"
#include "roles/agent/run_dir.h"
#include "roles/agent/shutdown_plan.h"
#include "roles/agent/ssh/start.h"
#include "roles/agent/users.h"
#include "roles/agent/wall_clock.h"

namespace banger::roles::agent {

struct SessionClient;

struct Options {
  std::string run_dir = "/run/banger";
  std::string log_path;           ///< empty: stderr
  std::string config_root = "/";  ///< the root that POST /configure changes
  capabilities::ApplyMode config_mode = capabilities::ApplyMode::live;
  std::string sessions = "/var/lib/banger/sessions";  ///< outlives a reboot of the guest
  std::function<Result<std::optional<host::Child>>(KeeperStart)> start_keeper = agent::start_keeper;
  StartSshServer start_ssh = start_ssh_server;
  std::uint16_t ssh_port = 22;                  ///< where the agent's own SSH server answers if no other server listens
  std::string mounts = "/proc/self/mountinfo";  ///< where the agent finds the cgroups
  MountCgroups mount_cgroups = MountCgroups::no;
  std::string path_variable = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";  ///< of init's own tools
  std::chrono::milliseconds (*put_off)(std::chrono::nanoseconds) = for_first_command;
  std::function<Task<Result<>>(host::Runtime&, ShutdownPlan)> shut_down = carry_out;
};

struct Context {
  Context(host::Runtime& loop, Options given)
      : runtime(loop),
        options(std::move(given)),
        run_dir(options.run_dir),
        log(options.log_path),
        command_groups(run_dir, options.mounts, options.mount_cgroups),
        sessions(options.sessions),
        starting_session(loop),
        transfer_done(loop),
        configuring(loop),
        settling_turn(loop),
        settled(loop),
        no_delay_requested(loop) {}

  host::Runtime& runtime;
  const Options options;
  const RunDir run_dir;
  LogFile log;
  CommandGroups command_groups;
  MainCommands main_commands;
  const Sessions sessions;
  host::Mutex starting_session;                                         ///< one session starts at a time
  std::map<std::string, std::weak_ptr<SessionClient>> session_writers;  ///< by id: the client that is attached
  AgentConfig config;                                                   ///< the current token and environment
  std::function<void(std::string token)> set_token;                     ///< gives the server a new token
  WallClock wall_clock;                                                 ///< of the guest
  std::optional<guest::Handles> handles;                                ///< for a new identity
  Users users;                                                          ///< users of the guest
  std::optional<CpuSample> cpu;                                         ///< sample of the last GET /stats
  CountsOfGuest counts;
  int transfers = 0;  ///< file streams that hold a pool thread
  host::Event transfer_done;
  host::Mutex configuring;  ///< one configuration at a time
  host::Mutex settling_turn;
  int settling = 0;       ///< configurations whose commands have not run to their end
  host::Event settled;    ///< such a configuration has ended
  bool no_delay = false;  ///< a client waits for the system, so work is not delayed in favour of a first command
  host::Event no_delay_requested;
  bool held = false;  ///< the machine is about to be saved: commands outlive their clients
};

using ContextPtr = std::shared_ptr<Context>;

}  // namespace banger::roles::agent
