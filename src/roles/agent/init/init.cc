#include "roles/agent/init/init.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "capabilities/apply.h"
#include "guest/root.h"
#include "roles/agent/init/boot.h"
#include "roles/agent/quiet_boot.h"

namespace banger::roles::agent {

namespace init {
namespace {

// init prints its stages one by one. This level keeps other details off the console.
constexpr LogLevel kConsoleLevel = LogLevel::warn;

/// Returns only an error: on success this process has become the image's init.
Result<> exec_init(const guest::Init& image) {
  if (image.path.empty()) {
    // Run the agent's own file. The initramfs's copy of this program is freed when no process runs it.
    ::execl(kAgentFile, "init", "small", nullptr);
    return fail_errno(kAgentFile);
  }
  ::execl(image.path.c_str(), image.path.c_str(), nullptr);
  return fail_errno(image.path);
}

Result<> boot() {
  TRY(mount_early());
  // A kernel that found its timer broken stops at the first sleep. The host then boots the guest again.
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  say("init started");
  int modules = load_modules("/banger/modules");
  say(std::to_string(modules) + " modules loaded");

  auto config = TRY(in("guest config", read_config("/banger")));
  Logger log(STDERR_FILENO, kConsoleLevel);
  capabilities::GuestTarget target{
      .root = kNewRoot, .mode = capabilities::ApplyMode::boot, .log = log, .first_boot = false};
  TRY(capabilities::apply_all(target, config));
  say("guest config applied");

  auto root = TRY(guest::Root::open(kNewRoot));
  guest::Init image = find_init(root);
  if (image.kind == guest::InitKind::systemd) mount_for_systemd(root);
  TRY(write_run_dir(config, image));
  TRY(switch_root());
  if (image.path.empty()) hold_end_signals();
  // systemd has a way of its own to unmount the disks (exitrd.cc).
  if (!image.path.empty() && image.kind != guest::InitKind::systemd) TRY(enter_namespace());
  TRY(start_agent());
  say("agent started, init is " + (image.path.empty() ? "banger's own" : image.path));

  // The agent answers requests meanwhile, so clients can follow the progress.
  target.root = "/";
  if (auto ran = capabilities::run_first_boot(target, config); !ran) say("first boot: " + ran.error().sentence());
  if (image.kind != guest::InitKind::systemd && !is_quiet(image.kind)) TRY(mark_system_ready());
  return exec_init(image);
}

}  // namespace
}  // namespace init

int run_init(int argc, char** argv) {
  std::string_view task = argc > 1 ? argv[1] : "";
  if (task == "supervise" && argc > 2) return init::supervise(std::atoi(argv[2]));
  if (::getpid() != 1) {
    std::fputs("banger: init is the process 1 of a guest; elsewhere it does nothing\n", stderr);
    return 2;
  }
  if (task == "small") init::small_init();
  if (task == "keep" && argc > 2) init::keep(std::atoi(argv[2]));
  ::umask(022);
  auto booted = init::boot();
  // Do not return: a kernel panic would hide the reason behind a stack trace.
  init::say("cannot boot: " + booted.error().sentence());
  init::end_machine();
}

}  // namespace banger::roles::agent
