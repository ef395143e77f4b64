#include "roles/agent/quiet_boot.h"

#include <unistd.h>

#include <filesystem>

#include "base/text.h"
#include "host/files.h"
#include "roles/agent/bounds.h"

namespace banger::roles::agent {

namespace {

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// OpenRC keeps the name of its runlevel in a file, and makes a directory while it starts or stops the services.
bool openrc_has_booted(const std::string& root) {
  auto run = root + "/run/openrc";
  std::string level(trim(host::read_file(run + "/softlevel", limits::kProcFileBytes).value_or("")));
  if (level.empty() || level == "sysinit" || level == "boot") return false;
  return !exists(run + "/rc.starting") && !exists(run + "/rc.stopping");
}

// runit's second stage begins with the process that starts the services.
bool has_process(const std::string& root, std::string_view name) {
  std::error_code error;
  std::filesystem::directory_iterator process(root + "/proc", error);
  for (std::filesystem::directory_iterator end; !error && process != end; process.increment(error)) {
    auto directory = process->path().filename().string();
    if (directory.find_first_not_of("0123456789") != directory.npos) continue;
    if (trim(host::read_file(process->path().string() + "/comm", limits::kCgroupCountBytes).value_or("")) == name)
      return true;
  }
  return false;
}

}  // namespace

bool is_quiet(InitKind init) { return init == InitKind::openrc || init == InitKind::runit; }

bool has_booted(InitKind init, const std::string& root) {
  if (init == InitKind::openrc) return openrc_has_booted(root);
  return init != InitKind::runit || has_process(root, "runsvdir");
}

Task<> watch_boot(ContextPtr context) {
  auto init = context->run_dir.init_kind();
  if (!is_quiet(init) || context->run_dir.system_ready()) co_return;
  auto deadline = host::after(limits::kQuietBootDeadline);
  while (!has_booted(init) && host::Clock::now() < deadline)
    co_await context->runtime.sleep_for(limits::kQuietBootPoll);
  if (auto marked = context->run_dir.mark_system_ready(); !marked)
    context->log().error("ready.failed", {{"error", marked.error().sentence()}});
}

}  // namespace banger::roles::agent
