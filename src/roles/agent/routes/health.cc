// GET /health[?wait=system[&hurry=1]]: whether the agent lives, and how far the guest's boot is. `hurry`: do delayed
// work at once, although a first command may then be slower.
#include <sys/utsname.h>
#include <time.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "host/files.h"
#include "roles/agent/bounds.h"
#include "roles/agent/routes.h"
#include "roles/agent/system_ready.h"

namespace banger::roles::agent {

namespace {

std::int64_t uptime_ms() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

Json describe(const Context& context) {
  utsname kernel{};
  ::uname(&kernel);
  auto boot_id = host::read_file("/proc/sys/kernel/random/boot_id", 64).value_or("");
  return {{"agent_ready", true},
          {"system_ready", context.settling == 0 && context.run_dir.system_ready()},
          {"init", to_string(context.run_dir.init_kind())},
          {"uptime_ms", uptime_ms()},
          {"boot_id", trim(boot_id)},
          {"version", BANGER_VERSION},
          {"kernel", kernel.release}};
}

}  // namespace

Task<> health(ContextPtr context, StreamPtr stream) {
  if (context->settling > 0 && stream->query("hurry") == "1") {
    context->no_delay = true;
    context->no_delay_requested.notify_all();
  }
  if (stream->query("wait") == "system") {
    auto waited = co_await wait_for_system(context, host::after(limits::kHealthWait));
    if (!waited) {
      (void)co_await stream->reply_error(waited.error());
      co_return;
    }
  }
  (void)co_await stream->reply_json(200, dump_json(describe(*context)));
}

}  // namespace banger::roles::agent
