// banger system uninstall
#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "roles/cli/command.h"
#include "roles/cli/system/install.h"
#include "roles/cli/system/services.h"
#include "roles/cli/system/units.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {{.name = "destdir",
                                .kind = Kind::text,
                                .value = "DIR",
                                .help = "only remove the files below DIR",
                                .names = Names::directory}};

// Running VMs may use the bridge. In that case, the bridge stays.
Result<> undo_for_owner(Io& io, const InstallPlaces& places, const host::User& owner, std::int64_t vms_running) {
  if (vms_running > 0) {
    io.note(fmt::format("{} VMs run, so their network stays until the host boots", vms_running));
    return {};
  }
  for (const auto& line : undo_operations(TRY(config::load_install(places.install_file())), owner))
    io.print(line + "\n");
  return {};
}

Result<int> run(Context& context) {
  auto& io = context.io;
  InstallPlaces places{context.args.text("destdir").value_or("")};
  if (places.destdir.empty() && ::geteuid() != 0)
    return fail(ErrorCode::denied, "only root can undo a system install", "sudo banger system uninstall");
  auto owner = installed_owner(places);
  // Only the daemon knows its VMs. It would make the bridge again, so it ends before the bridge goes.
  auto vms_running = places.destdir.empty() && owner ? running_vms(*owner).value_or(0) : 0;
  if (places.destdir.empty() && systemd_runs()) TRY(stop_services(system_tool()));
  if (places.destdir.empty() && owner) TRY(undo_for_owner(io, places, *owner, vms_running));
  auto report = TRY(uninstall_files(places));
  if (places.destdir.empty() && systemd_runs() && !report.lines.empty())
    TRY(system_tool()({"systemctl", "daemon-reload"}));
  for (const auto& line : report.lines) io.print(line + "\n");
  if (report.lines.empty()) io.print("there was nothing to remove\n");
  if (owner)
    io.print(fmt::format("{} keeps the VMs, images and settings: {}, {}/.config/banger\n", owner->name,
                         join(owner_directories(*owner), ", "), owner->home));
  return exit_status::kOk;
}

}  // namespace

extern const Command kSystemUninstall;
constinit const Command kSystemUninstall{
    .group = "system",
    .name = "uninstall",
    .summary = "remove what 'system install' made",
    .details =
        "Stops the services and removes their files, and nothing else. VMs go on, and the owner's next banger command "
        "finds them. If another file has taken the place of one of these files, the command names the file and keeps "
        "it.",
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
