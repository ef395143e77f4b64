// banger system install
#include "roles/cli/system/install.h"

#include <fmt/format.h>
#include <unistd.h>

#include "capabilities/jail/request.h"
#include "host/beneath.h"
#include "roles/cli/command.h"
#include "roles/cli/system/services.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {
    {.name = "owner",
     .kind = Kind::text,
     .value = "USER",
     .help = "the user of the daemon and its VMs; not needed to update an install"},
    {.name = "jailer",
     .kind = Kind::text,
     .value = "FILE",
     .help = "run Firecracker in jails that this jailer makes; needs --firecracker",
     .names = Names::file},
    {.name = "firecracker",
     .kind = Kind::text,
     .value = "FILE",
     .help = "the Firecracker for jails",
     .names = Names::file},
    {.name = "destdir",
     .kind = Kind::text,
     .value = "DIR",
     .help = "write the files below DIR and start nothing, for packages",
     .names = Names::directory},
};
constexpr Example kExamples[] = {
    {"sudo banger system install --owner ana", "start ana's daemon at boot, and the root helper for bridge networking"},
    {"sudo banger system install --jailer /opt/jailer --firecracker /opt/firecracker",
     "let the root helper make jails for Firecracker"},
    {"sudo ./banger system install", "update the install to this program; VMs go on"},
};

void print_lines(Io& io, const std::vector<std::string>& lines) {
  for (const auto& line : lines) io.print(line + "\n");
}

Result<> start(Io& io, const InstallPlaces& places, const InstallReport& report) {
  auto owner = TRY(installed_owner(places));
  TRY(make_owner_directories(owner));
  if (!systemd_runs()) {
    io.note("systemd does not run on this host, so nothing was started");
    return {};
  }
  auto run = system_tool();
  // The unit's daemon cannot start while the owner's own daemon runs.
  if (service_states(run).back().active != "active" && TRY(stop_own_daemon(owner)))
    io.print(fmt::format("stopped the daemon that {} had started; VMs go on\n", owner.name));
  print_lines(io, TRY(start_services(run, report)));
  return {};
}

// Reports a wrong program during the install, and not when the first VM starts.
Result<> check_jail_program(const InstallPlaces& places, const std::string& path) {
  TRY(host::check_plain_path(path));
  return places.destdir.empty() ? capabilities::check_program(path) : Result<>();
}

Result<int> run(Context& context) {
  InstallPlaces places{context.args.text("destdir").value_or("")};
  if (!places.destdir.empty() && places.destdir.front() != '/')
    return context.usage("--destdir must be an absolute path");
  if (places.destdir.empty() && ::geteuid() != 0)
    return fail(ErrorCode::denied, "only root can make a system install", "sudo banger system install --owner USER");
  JailPrograms jails{.jailer = context.args.text("jailer").value_or(""),
                     .firecracker = context.args.text("firecracker").value_or("")};
  if (jails.jailer.empty() != jails.firecracker.empty())
    return context.usage("--jailer needs --firecracker, and --firecracker needs --jailer");
  for (const auto& program : {jails.jailer, jails.firecracker})
    if (!program.empty()) TRY(check_jail_program(places, program));
  auto report = TRY(install_files(places, context.args.text("owner").value_or(""), "/proc/self/exe", jails));
  print_lines(context.io, report.lines);
  if (places.destdir.empty()) TRY(start(context.io, places, report));
  if (report.lines.empty()) context.io.print("the install is up to date\n");
  return exit_status::kOk;
}

}  // namespace

extern const Command kSystemInstall;
constinit const Command kSystemInstall{
    .group = "system",
    .name = "install",
    .summary = "install the daemon and the root helper as system services",
    .details =
        "Copies this program to /usr/lib/banger, links it in /usr/bin, and writes /etc/banger/install.toml and three "
        "systemd units. The units are the owner's daemon, the root helper and the helper's socket. docs/privileges.md "
        "describes what the helper may do.\n"
        "A second run updates all of this. The older program stays as /usr/lib/banger/banger.old. The services are "
        "restarted, and VMs go on. Files of other programs are not changed.",
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli
