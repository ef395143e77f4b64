// Starts a Firecracker in a jail. All its files are checked and held open first, then mounted by descriptor in a mount
// namespace of its own. So no name that the owner could change is followed in between. All mounts are gone with its
// last process. Only the directory `jail` of the VM stays, which end_jail removes.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <thread>

#include "capabilities/bounds.h"
#include "capabilities/jail/enter.h"
#include "capabilities/jail/request.h"
#include "host/beneath.h"
#include "host/cgroup.h"
#include "host/child.h"
#include "host/files.h"
#include "host/mounts.h"
#include "machine/firecracker/bounds.h"
#include "machine/firecracker/firecracker.h"
#include "machine/machine_log.h"

namespace banger::capabilities {

namespace {

using namespace machine::firecracker;
using std::chrono::steady_clock;

Result<> check_part(const PrivilegedContext& context, const JailFile& file, const UniqueFd& held, host::MountUse use) {
  struct stat info{};
  if (::fstat(held.get(), &info) < 0) return fail_errno(file.path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::denied, fmt::format("{}: is not a regular file", file.path));
  bool anyones = use == host::MountUse::read && info.st_uid == 0 && (info.st_mode & S_IROTH);
  if (info.st_uid != context.owner_uid && !anyones)
    return fail(ErrorCode::denied, fmt::format("{}: belongs to user {}", file.path, info.st_uid));
  return {};
}

Result<> open_parts(const PrivilegedContext& context, const std::vector<JailFile>& files, host::MountUse use,
                    std::vector<JailPart>& parts) {
  for (const auto& file : files) {
    auto held = TRY(host::open_beneath(context.roots, file.path, O_PATH));
    TRY(check_part(context, file, held, use));
    parts.push_back({file.name, TRY(in(file.path, host::mount_of(held, use)))});
  }
  return {};
}

Result<UniqueFd> open_log(const PrivilegedContext& context, const JailRequest& request, std::string_view name) {
  return host::open_owned_file(context.roots, fmt::format("{}/{}", request.directory, name), O_WRONLY | O_APPEND,
                               context.owner_uid);
}

// Makes a new directory. It belongs to root until the jailer, which already works inside, gives it to the owner.
Result<UniqueFd> make_root(const UniqueFd& directory, const std::string& path) {
  std::string name(kJailDirectory);
  if (::mkdirat(directory.get(), name.c_str(), 0700) < 0) {
    if (errno == EEXIST) return fail(ErrorCode::exists, fmt::format("{}: there is a jail already", path));
    return fail_errno(path);
  }
  UniqueFd root(::openat(directory.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root) return fail_errno(path);
  struct stat info{};
  if (::fstat(root.get(), &info) < 0) return fail_errno(path);
  // The owner can replace the directory, but not with an empty, closed directory of root.
  std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(::fcntl(root.get(), F_DUPFD_CLOEXEC, 3)), ::closedir);
  int entries = 0;
  while (listing && ::readdir(listing.get())) ++entries;
  if (info.st_uid != 0 || (info.st_mode & 0777) != 0700 || !listing || entries != 2)
    return fail(ErrorCode::denied, fmt::format("{}: is not the directory that banger made", path));
  return root;
}

Result<> make_targets(const UniqueFd& root, const std::vector<JailPart>& parts) {
  for (const auto& part : parts) {
    UniqueFd target(
        ::openat(root.get(), part.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!target) return fail_errno(part.name);
  }
  return {};
}

// Succeeds when the process has become the jailer. Otherwise returns why not.
Result<> await_exec(const UniqueFd& pipe, steady_clock::time_point until) {
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now()).count();
  pollfd waiting{pipe.get(), POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(std::max<long>(left, 0))) != 1)
    return fail(ErrorCode::timeout, "the jailer was not started in time");
  auto words = TRY(host::read_all(pipe.get(), "the error of the jailer's process", limits::kJailErrorBytes));
  if (!words.empty()) return fail(ErrorCode::unavailable, std::move(words));
  return {};
}

struct Found {
  pid_t pid = 0;
  UniqueFd pidfd;
};

// The owner can replace this file. So the number in the file counts only if it is a process of the owner with this id.
Result<Found> find_firecracker(const PrivilegedContext& context, const JailLaunch& launch) {
  auto name = exec_name(launch.jail) + ".pid";
  UniqueFd file(::openat(launch.root.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return fail_errno(name);
  Found found{.pid = TRY(parse_pid_file(TRY(host::read_all(file.get(), name, 32)))), .pidfd = {}};
  found.pidfd = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, found.pid, 0)));
  if (!found.pidfd) return fail_errno(name);
  struct stat info{};
  // The process belongs to root until it is Firecracker: /proc shows a changed user only after the next exec.
  if (::stat(fmt::format("/proc/{}", found.pid).c_str(), &info) < 0 || info.st_uid != context.owner_uid)
    return fail(ErrorCode::not_found, "not yet");
  if (!has_id(TRY(host::process_argv(found.pid)), launch.jail.id)) return fail(ErrorCode::not_found, "not yet");
  return found;
}

Result<Found> await_firecracker(const PrivilegedContext& context, const JailLaunch& launch, host::Child& jailer,
                                steady_clock::time_point until) {
  for (;;) {
    auto ended = jailer.poll();
    if (auto found = find_firecracker(context, launch)) return found;
    // A jailer that ended with success has forked the process that becomes Firecracker.
    if (ended && ended->shell_code() != 0)
      return fail(ErrorCode::unavailable,
                  fmt::format("the jailer ended ({} {})", ended->signal ? "killed by signal" : "exit code",
                              ended->signal ? ended->signal : ended->code));
    if (steady_clock::now() >= until)
      return fail(ErrorCode::timeout, "Firecracker did not come up in its jail in time");
    std::this_thread::sleep_for(limits::kJailUpPoll);
  }
}

Result<Found> start(const PrivilegedContext& context, const JailLaunch& launch) {
  auto until = steady_clock::now() + limits::kJailUpDeadline;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  UniqueFd reader(ends[0]), writer(ends[1]);
  auto jailer = TRY(host::fork_to([&] {
    auto failed = become_jailer(launch);
    (void)host::write_all(writer.get(), failed.sentence().substr(0, limits::kJailErrorBytes));
    return 127;
  }));
  writer.reset();
  TRY(await_exec(reader, until));
  auto found = TRY(await_firecracker(context, launch, jailer, until));
  jailer.release();
  return found;
}

Result<PrivilegedReply> launch_in(const PrivilegedContext& context, const JailRequest& request, JailLaunch& launch) {
  TRY(make_targets(launch.root, launch.parts));
  launch.root_mount = TRY(host::mount_of(launch.root, host::MountUse::root));
  std::vector<std::string> limited;
  if (auto cgroups = host::find_cgroups()) {
    host::CgroupLimits limits{.cpus = request.vcpus,
                              .memory_bytes = request.memory_bytes + limits::kVmmMemoryBytes,
                              .tasks = request.vcpus + limits::kVmmTasks};
    limited = TRY(in("cgroup", host::make_cgroup(*cgroups, kJailCgroups, request.id, limits)));
    launch.jail.cgroup = cgroup_of(request.id);
    launch.group = fmt::format("{}/{}", *cgroups, launch.jail.cgroup);
  }
  auto found = TRY(start(context, launch));
  PrivilegedReply reply{.result = dump_json({{"pid", found.pid}, {"cgroup", launch.jail.cgroup}, {"limited", limited}}),
                        .fds = {}};
  reply.fds.push_back(std::move(found.pidfd));
  return reply;
}

}  // namespace

Result<PrivilegedReply> launch_jail(const PrivilegedContext& context, const JailRequest& request) {
  JailLaunch launch{.jail = jail_of(context, request.id)};
  TRY(in("jailer", check_program(context.jailer)));
  TRY(in("firecracker", check_program(context.firecracker)));
  launch.directory = TRY(open_vm_directory(context, request.directory));
  TRY(open_parts(context, request.read, host::MountUse::read, launch.parts));
  TRY(open_parts(context, request.write, host::MountUse::write, launch.parts));
  if (request.console) launch.console = TRY(open_log(context, request, machine::kConsoleLog));
  launch.errors = TRY(open_log(context, request, machine::kMachineLogName));
  launch.small_pages = std::ranges::find(request.read, kLoadedMemory, &JailFile::name) != request.read.end();
  launch.root = TRY(make_root(launch.directory, request.directory));
  auto reply = launch_in(context, request, launch);
  if (!reply)
    if (auto ended = end_jail(context, request); !ended)
      context.log.warn("jail.left", {{"id", request.id}, {"error", ended.error().message}});
  return reply;
}

}  // namespace banger::capabilities
