#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "guest/boot_memory.h"
#include "host/files.h"
#include "roles/agent/init/boot.h"

namespace banger::roles::agent::init {

namespace {

struct Early {
  const char *type, *target;
  unsigned long flags;
  const char* data;
};

// As systemd and container runtimes mount them. /run allows execution, because it holds the agent.
constexpr Early kMounts[] = {
    {"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr},
    {"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr},
    {"devtmpfs", "/dev", MS_NOSUID, "mode=0755"},
    {"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=0620,ptmxmode=0666"},
    {"tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777"},
    {"tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755"},
};

constexpr std::pair<const char*, const char*> kLinks[] = {{"/proc/self/fd", "/dev/fd"},
                                                          {"/proc/self/fd/0", "/dev/stdin"},
                                                          {"/proc/self/fd/1", "/dev/stdout"},
                                                          {"/proc/self/fd/2", "/dev/stderr"}};

/// A machine may have no console. Then only the log is lost.
void open_console() {
  UniqueFd console(::open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!console) console = UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int fd = 0; fd <= STDERR_FILENO; ++fd) ::dup2(console.get(), fd);
}

}  // namespace

void say(std::string_view text) {
  struct timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  auto line = fmt::format("banger: {}.{:03} {}\n", now.tv_sec, now.tv_nsec / 1'000'000, text);
  (void)host::write_all(STDERR_FILENO, line);
}

Result<> mount_early() {
  for (const Early& early : kMounts) {
    ::mkdir(early.target, 0755);
    if (::mount(early.type, early.target, early.type, early.flags, early.data) < 0 && errno != EBUSY)
      return fail_errno(fmt::format("mount {}", early.target));
  }
  for (const auto& [target, link] : kLinks) (void)::symlink(target, link);
  open_console();
  return host::make_directories(guest::kRunDir, 0700);
}

}  // namespace banger::roles::agent::init
