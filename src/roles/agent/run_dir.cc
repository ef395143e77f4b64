#include "roles/agent/run_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "guestcfg/bounds.h"
#include "host/files.h"

namespace banger::roles::agent {

namespace {

constexpr std::size_t kTokenBytes = 16;  // link/link.h

Result<guestcfg::GuestConfig> read_config(const std::string& path) {
  auto text = TRY(host::read_file(path, limits::kGuestConfigBytes));
  return in(path, guestcfg::from_json(TRY(in(path, parse_json(text, limits::kGuestConfigBytes)))));
}

Result<> overwrite(const std::string& path, std::string_view text) {
  auto file = TRY(host::open_file(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600));
  struct stat before{};
  if (::fstat(file.get(), &before) < 0) return fail_errno(path);
  TRY(in(path, host::write_all(file.get(), text)));
  auto size = static_cast<off_t>(text.size());
  if (before.st_size > size && ::ftruncate(file.get(), size) < 0) return fail_errno(path);
  return {};
}

}  // namespace

Result<AgentConfig> RunDir::load_config() const {
  auto path = path_ + "/config.json";
  auto config = TRY(read_config(path));
  if (config.link_token.size() != 2 * kTokenBytes)
    return fail(ErrorCode::invalid, fmt::format("{}: missing field 'link_token'", path));
  return AgentConfig{.link_token = TRY(in(path, from_hex(config.link_token))),
                     .environment = std::move(config.environment),
                     .interfaces = std::move(config.interfaces),
                     .image = std::move(config.image),
                     .keys = std::move(config.keys),
                     .ssh_host_key = std::move(config.ssh_host_key),
                     .pids = config.pids};
}

Result<> RunDir::save_config(const AgentConfig& config) const {
  guestcfg::GuestConfig kept{.interfaces = config.interfaces,
                             .keys = config.keys,
                             .environment = config.environment,
                             .image = config.image,
                             .link_token = to_hex(config.link_token),
                             .ssh_host_key = config.ssh_host_key,
                             .pids = config.pids};
  return overwrite(path_ + "/config.json", dump_json(guestcfg::to_json(kept, guestcfg::Contents::inline_data)));
}

Result<> RunDir::save_agent_pid(pid_t pid) const { return overwrite(path_ + "/agent.pid", fmt::format("{}\n", pid)); }

Result<pid_t> RunDir::agent_pid() const {
  auto path = path_ + "/agent.pid";
  auto text = TRY(host::read_file(path, 32));
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  if (pid <= 1) return fail(ErrorCode::corrupt, fmt::format("{} holds no process id", path));
  return pid;
}

InitKind RunDir::init_kind() const {
  auto text = host::read_file(path_ + "/init", 64);
  return text ? value_of(guest::kInitKindWords, trim(*text)).value_or(InitKind::none) : InitKind::none;
}

bool RunDir::system_ready() const { return ::access((path_ + "/system-ready").c_str(), F_OK) == 0; }

bool RunDir::ending() const { return ::access((path_ + "/ending").c_str(), F_OK) == 0; }

Result<> RunDir::mark_ending() const {
  TRY(host::open_file(path_ + "/ending", O_WRONLY | O_CREAT, 0644));
  return {};
}

Result<> RunDir::mark_system_ready() const {
  TRY(host::open_file(path_ + "/system-ready", O_WRONLY | O_CREAT, 0644));
  return {};
}

}  // namespace banger::roles::agent
