#include "engine/network_keeper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "base/text.h"
#include "engine/bounds.h"
#include "engine/helper_call.h"
#include "host/child.h"
#include "host/files.h"
#include "host/run_tool.h"
#include "net/nft.h"

namespace banger::engine {

using capabilities::PrivilegedReply;

namespace {

constexpr const char* kTunDevice = "/dev/net/tun";
constexpr int kReadyFd = 3, kUserFd = 4, kNetworkFd = 5;
/// What these remove is gone with the network.
constexpr std::array<std::string_view, 3> kRemovals = {"bridge.remove", "tap.delete", "nat.clear"};

struct Pipe {
  UniqueFd ours, theirs;
  static Result<Pipe> make() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
    return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  }
};

// The keeper's one line. Empty: it has ended without a word.
Task<Result<std::string>> read_answer(host::Runtime& runtime, int fd) {
  auto deadline = host::after(limits::kNetworkStartDeadline);
  std::string text;
  while (!text.ends_with('\n') && text.size() < limits::kNetworkAnswerBytes) {
    if (!CO_TRY(co_await host::wait_readable(runtime, fd, deadline)))
      co_return fail(ErrorCode::timeout, "the network keeper did not start in time");
    char chunk[512];
    auto got = ::read(fd, chunk, sizeof chunk);
    if (got < 0 && errno != EINTR) co_return fail_errno("wait for the network keeper");
    if (got == 0) break;
    text.append(chunk, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
  co_return std::string(trim(text));
}

// The kernel gives numbers of namespaces again. So a process of another program may have the number of a lost network.
bool is_machine_of(const host::Paths& paths, const std::string& pid) {
  std::error_code error;
  auto directory = std::filesystem::read_symlink("/proc/" + pid + "/cwd", error).string();
  return !error && directory.starts_with(paths.vms() + "/");
}

/// A directory on the way to `path`, or at it, where root needs its power over the files of others.
std::optional<std::string> closed_to_root(const std::filesystem::path& path) {
  for (auto at = path; at.has_relative_path(); at = at.parent_path()) {
    struct stat info{};
    if (::stat(at.c_str(), &info) < 0 || info.st_uid == 0) continue;
    if (at == path || !(info.st_mode & S_IXOTH)) return at.string();
  }
  return std::nullopt;
}

}  // namespace

std::optional<KeeperProcesses> keeper_processes(const std::string& path) {
  auto lock = host::open_file(path, O_RDONLY | O_NOFOLLOW);
  if (!lock || ::flock(lock->get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) return std::nullopt;
  auto text = host::read_file(path, limits::kNetworkLockBytes).value_or("");
  KeeperProcesses found;
  const auto* end = text.data() + text.size();
  auto next = std::from_chars(text.data(), end, found.keeper).ptr;
  if (next != end) std::from_chars(next + 1, end, found.server);
  return found.keeper > 0 && found.server > 0 ? std::optional(found) : std::nullopt;
}

NetworkKeeper::NetworkKeeper(host::Runtime& runtime, const Logger& log, const host::Paths& paths,
                             const config::Config& config, std::vector<std::string> program)
    : runtime_(runtime), log_(log), paths_(paths), config_(config), program_(std::move(program)), turn_(runtime) {}

bool NetworkKeeper::running() const { return wanted_ || keeper_processes(lock()).has_value(); }

std::optional<Error> NetworkKeeper::missing() const {
  if (::access(kTunDevice, R_OK | W_OK) < 0)
    return fail_errno(kTunDevice).error().with_hint("as root: chmod 0666 /dev/net/tun, which is the usual mode");
  if (!host::find_program("pasta", host::kSystemPath))
    return fail(ErrorCode::unavailable, "pasta is not installed, which is the way out of a private network",
                "apt install passt")
        .error();
  if (auto nft = net::find_nft(); !nft) return nft.error();
  // A machine in the user namespace has no power over files of others.
  for (const auto& directory : {paths_.state, paths_.data})
    if (auto closed = ::geteuid() == 0 ? closed_to_root(directory) : std::nullopt)
      return fail(ErrorCode::unavailable, fmt::format("{} belongs to another user than root", *closed),
                  "set HOME to a directory of root, or run banger as that user")
          .error();
  if (trouble_ && host::Clock::now() < try_again_) return trouble_;
  return std::nullopt;
}

Task<Result<PrivilegedReply>> NetworkKeeper::call(std::string operation, std::string arguments) {
  if (!running() && std::ranges::find(kRemovals, operation) != kRemovals.end()) co_return PrivilegedReply{};
  CO_TRY(co_await ensure());
  co_return co_await call_helper(runtime_, {socket(), ::geteuid(), "the private network", paths_.daemon_log()},
                                 std::move(operation), std::move(arguments));
}

Task<Result<>> NetworkKeeper::ensure() {
  auto turn = co_await turn_.lock();
  if (network_ && keeper_processes(lock())) co_return Result<>{};
  auto started = co_await start();
  if (started) {
    trouble_.reset();
    co_return started;
  }
  trouble_ = std::move(started).error().in("private network");
  try_again_ = host::after(limits::kNetworkRetry);
  wanted_ = false;
  log_.warn("network.not_started", {{"error", trouble_->sentence()}});
  co_return std::unexpected(*trouble_);
}

Task<Result<>> NetworkKeeper::start() {
  auto found = keeper_processes(lock());
  if (!found) {
    if (auto lacks = missing(); lacks && !trouble_) co_return std::unexpected(std::move(*lacks));
    auto pipe = CO_TRY(Pipe::make());
    CO_TRY(spawn_keeper(pipe.theirs));
    pipe.theirs.reset();
    auto answer = CO_TRY(co_await read_answer(runtime_, pipe.ours.get()));
    if (answer != "ok")
      co_return fail(ErrorCode::unavailable, answer.empty() ? "the network keeper ended at once" : answer);
    found = keeper_processes(lock());
  }
  if (!found) co_return fail(ErrorCode::unavailable, "the network keeper has ended");
  auto id = CO_TRY(host::process_id(found->keeper));
  auto pidfd = CO_TRY(host::open_process(id));
  CO_TRY(use_network(found->server));
  wanted_ = true;
  runtime_.spawn(watch(std::move(pidfd)));
  co_return Result<>{};
}

Result<> NetworkKeeper::use_network(pid_t server) {
  network_ = std::make_shared<const host::Namespaces>(TRY(host::namespaces_of(server)));
  return host::write_file(identity(), host::identity_of(*network_), 0600);
}

// A machine of an earlier daemon still holds the network of a keeper that was killed.
std::shared_ptr<const host::Namespaces> NetworkKeeper::find_network() const {
  auto wanted = host::read_file(identity(), limits::kNetworkLockBytes).value_or("");
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc", error), end; !wanted.empty() && !error && at != end;
       at.increment(error)) {
    auto name = at->path().filename().string();
    pid_t pid = 0;
    std::from_chars(name.data(), name.data() + name.size(), pid);
    auto found = pid > 0 && is_machine_of(paths_, name) ? host::namespaces_of(pid)
                                                        : Result<host::Namespaces>(fail(ErrorCode::not_found, ""));
    if (found && host::identity_of(*found) == wanted)
      return std::make_shared<const host::Namespaces>(std::move(*found));
  }
  return nullptr;
}

Result<> NetworkKeeper::spawn_keeper(const UniqueFd& ready) {
  host::SpawnSpec spec{.argv = program_, .env = {std::string("PATH=") + host::kSystemPath, "LC_ALL=C"}, .cwd = "/"};
  auto add = [&](std::initializer_list<std::string> words) { spec.argv.insert(spec.argv.end(), words); };
  add({"--socket", socket(), "--lock", lock(), "--bridge", config_.bridge_name, "--address", config_.bridge_ip,
       "--prefix", fmt::format("{}", config_.cidr), "--ready-fd", fmt::format("{}", kReadyFd)});
  spec.extra_fds = {{ready.get(), kReadyFd}};
  auto network = network_ ? network_ : find_network();
  if (network) {
    add({"--user-fd", fmt::format("{}", kUserFd), "--network-fd", fmt::format("{}", kNetworkFd)});
    spec.extra_fds.emplace_back(network->user.get(), kUserFd);
    spec.extra_fds.emplace_back(network->network.get(), kNetworkFd);
  }
  spec.stdout_fd = spec.stderr_fd = STDERR_FILENO;
  spec.new_session = true;
  auto child = TRY(in("start the network keeper", host::spawn(spec)));
  child.release();
  return {};
}

Task<> NetworkKeeper::watch(UniqueFd pidfd) {
  auto ended = co_await host::wait_readable(runtime_, pidfd.get());
  // It may be the child of an earlier daemon.
  siginfo_t info{};
  (void)::waitid(static_cast<idtype_t>(3 /* P_PIDFD */), static_cast<id_t>(pidfd.get()), &info, WEXITED | WNOHANG);
  if (!ended || !wanted_) co_return;
  log_.warn("network.keeper_ended");
  // The machines in the network have lost their way out. A failure is tried again with the next operation.
  (void)co_await ensure();
}

Task<> NetworkKeeper::rest() {
  auto turn = co_await turn_.lock();
  wanted_ = false;
  network_.reset();
  (void)host::remove_file(identity());
  auto found = keeper_processes(lock());
  auto id = found ? host::process_id(found->keeper) : Result<host::ProcessId>(fail(ErrorCode::not_found, "no keeper"));
  auto process = id ? host::open_process(*id) : Result<UniqueFd>(std::unexpected(id.error()));
  // The lock is held still, so the process is the keeper.
  if (!process || keeper_processes(lock()) != found) co_return;
  ::kill(found->keeper, SIGTERM);
  (void)co_await host::wait_readable(runtime_, process->get(), host::after(limits::kNetworkEndDeadline));
}

bool NetworkAccess::host_has_link(const std::string& name) { return ::if_nametoindex(name.c_str()) != 0; }

bool NetworkAccess::uses_host() const {
  if (keeper_.running()) return false;
  if (root_.way() != Way::in_process) return root_.available();
  return config_.network == vm::NetworkChoice::bridge || has_link_(config_.bridge_name);
}

capabilities::Privileged& NetworkAccess::chosen() const {
  bool last_way = keeper_.way() == Way::none && root_.available();
  return uses_host() || last_way ? root_ : static_cast<Privileged&>(keeper_);
}

std::optional<Error> NetworkAccess::missing() const {
  return is_private() || uses_host() ? std::nullopt : keeper_.missing();
}

}  // namespace banger::engine
