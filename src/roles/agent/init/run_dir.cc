// The files between host, init and agent: reads the guest config, writes the run directory.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "guest/boot_memory.h"
#include "guestcfg/bounds.h"
#include "host/files.h"
#include "roles/agent/embedded_files.h"
#include "roles/agent/init/boot.h"

namespace banger::roles::agent::init {

namespace {

constexpr std::string_view kReadyUnit = find_embedded(kEmbeddedFiles, "guest/systemd/banger-ready.service")->text;
constexpr std::string_view kModprobe = find_embedded(kEmbeddedFiles, "guest/systemd/modprobe.conf")->text;
constexpr std::string_view kDevices = find_embedded(kEmbeddedFiles, "guest/systemd/devices.conf")->text;

std::string in_run_dir(std::string_view name) { return fmt::format("{}/{}", guest::kRunDir, name); }

Result<> copy_self() {
  auto from = TRY(host::open_file("/proc/self/exe", O_RDONLY));
  auto to = TRY(host::open_file(kAgentFile, O_WRONLY | O_CREAT | O_TRUNC, 0755));
  struct stat info{};
  if (::fstat(from.get(), &info) < 0) return fail_errno("/proc/self/exe");
  for (off_t left = info.st_size; left > 0;) {
    ssize_t moved = ::sendfile(to.get(), from.get(), nullptr, static_cast<std::size_t>(left));
    if (moved <= 0) return fail_errno(kAgentFile, moved < 0 ? errno : EIO);
    left -= moved;
  }
  return {};
}

Result<> add_systemd_files() {
  auto root = TRY(guest::Root::open("/"));
  TRY(root.write_file({.path = "/run/tmpfiles.d/banger-devices.conf", .data = std::string(kDevices)}));
  TRY(root.write_file({.path = "/run/systemd/system/modprobe@.service.d/banger.conf", .data = std::string(kModprobe)}));
  TRY(root.write_file({.path = "/run/systemd/system/banger-ready.service", .data = std::string(kReadyUnit)}));
  TRY(root.write_symlink("../banger-ready.service",
                         "/run/systemd/system/multi-user.target.wants/banger-ready.service"));
  return add_exitrd();
}

}  // namespace

Result<guestcfg::GuestConfig> read_config(const std::string& directory) {
  auto text = TRY(host::read_file(directory + "/config.json", limits::kGuestConfigBytes));
  auto json = TRY(parse_json(text, limits::kGuestConfigBytes));
  std::vector<std::string> payloads;
  for (;;) {
    auto payload = host::read_file(fmt::format("{}/files/{}", directory, payloads.size()), limits::kGuestConfigBytes);
    if (!payload && payload.error().code == ErrorCode::not_found) break;
    payloads.push_back(TRY(std::move(payload)));
  }
  return guestcfg::from_json(json, payloads);
}

Result<> write_run_dir(const guestcfg::GuestConfig& config, const guest::Init& init) {
  // The agent needs only token and environment. File contents are written already, and the entropy is used up.
  guestcfg::GuestConfig kept = config;
  kept.files.clear();
  kept.entropy.clear();
  TRY(host::write_file(in_run_dir("config.json"), dump_json(guestcfg::to_json(kept, guestcfg::Contents::inline_data)),
                       0600));
  TRY(host::write_file(in_run_dir("init"), to_string(init.kind), 0644));
  TRY(in("the agent's file", copy_self()));
  if (init.kind == guest::InitKind::systemd) TRY(add_systemd_files());
  return {};
}

Result<> mark_system_ready() { return host::write_file(in_run_dir("system-ready"), "", 0644); }

}  // namespace banger::roles::agent::init
