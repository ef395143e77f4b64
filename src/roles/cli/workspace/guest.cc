#include "roles/cli/workspace/guest.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/file.h"
#include "base/byte_string.h"
#include "host/beneath.h"
#include "roles/cli/exec_client.h"

namespace banger::roles::cli {

namespace {

constexpr std::chrono::milliseconds kNoWait{0};

}  // namespace

Result<GuestPlace> GuestPlace::of(std::string vm, std::string path) {
  auto plain = host::check_plain_path(path);
  if (!plain || path == "/")
    return fail(ErrorCode::invalid, fmt::format("'{}' cannot be the place of a repository", safe_text(path)),
                fmt::format("--guest-path takes an absolute path, like {}", kGuestRepository));
  return GuestPlace{std::move(vm), std::move(path)};
}

Result<GuestPlace> GuestPlace::of(const Args& args, std::string vm) {
  return of(std::move(vm), args.text("guest-path").value_or(std::string(kGuestRepository)));
}

Landing GuestPlace::landing() const {
  auto whole = as_path();
  return {.directory = whole.parent(), .name = whole.name()};
}

Result<Present> find_in_guest(Daemon& daemon, const GuestPlace& place) {
  auto file =
      TRY(daemon.get<api::FileObject>("vm.stat_file", {{"vm", place.vm}, {"path", to_byte_string(place.path)}}));
  if (!file.exists) return Present::nothing;
  if (file.type == "directory") return Present::directory;
  return fail(ErrorCode::invalid, fmt::format("{} is not a directory", place.text()),
              "choose another place with --guest-path");
}

Result<int> run_quietly(Io& io, const std::string& vm, const std::string& directory, std::vector<std::string> argv) {
  auto daemon = TRY(Daemon::connect(io));
  auto stream = TRY(daemon.open_stream("vm.exec", {{"vm", vm}}));
  link::ExecSpec spec{.argv = std::move(argv)};
  spec.cwd = directory;
  spec.user = "root";
  TRY(link::check_spec(spec));
  UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ExecStreams streams{.socket = stream.socket.get(), .first_bytes = std::move(stream.first_bytes)};
  streams.out = streams.err = nowhere.get();
  streams.signal_fd = daemon.signals().fd();
  auto result = TRY(run_exec(streams, spec));
  if (result.gave_up || result.forwarded || TRY(daemon.signals().wait_for(kNoWait)))
    return fail(ErrorCode::cancelled, "interrupted");
  return result.status;
}

Result<bool> can_lock_in_guest(Io& io, const GuestPlace& place) {
  return TRY(run_quietly(io, place.vm, "/", {"mount"})) != 127;
}

Result<> lock_in_guest(Io& io, const GuestPlace& place) {
  std::vector<std::string> lock = {"mount", "-o", "remount,bind,ro", place.path};
  // The mount of an earlier prepare is used again.
  if (TRY(run_quietly(io, place.vm, "/", lock)) == 0) return {};
  if (TRY(run_quietly(io, place.vm, "/", {"mount", "-o", "bind", place.path, place.path})) == 0 &&
      TRY(run_quietly(io, place.vm, "/", lock)) == 0)
    return {};
  return fail(ErrorCode::unsupported, fmt::format("the guest could not make {} read-only", place.text()),
              "the files are there, and can be changed");
}

Result<> unlock_in_guest(Io& io, const GuestPlace& place) {
  TRY(run_quietly(io, place.vm, "/", {"mount", "-o", "remount,bind,rw", place.path}));
  return {};
}

Result<> remove_in_guest(Io& io, const GuestPlace& place, const std::vector<std::string>& paths) {
  for (std::size_t at = 0; at < paths.size();) {
    std::vector<std::string> argv = {"rm", "-f", "--"};
    for (std::size_t bytes = 0; at < paths.size() && bytes < limits::kRemoveBytes; ++at) {
      argv.push_back(paths[at]);
      bytes += paths[at].size();
    }
    if (TRY(run_quietly(io, place.vm, place.path, std::move(argv))) != 0)
      return fail(ErrorCode::unsupported,
                  fmt::format("the guest could not remove {} files that the host no longer has", paths.size()),
                  fmt::format("the guest needs the program rm; or remove {} there, and prepare again", place.path));
  }
  return {};
}

}  // namespace banger::roles::cli
