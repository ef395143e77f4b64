// banger doctor
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/host.h"
#include "base/text.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/ssh_config.h"
#include "roles/cli/ssh_include.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {
    {.name = "fix", .help = "test again whether KVM runs guests (banger remembers the result until the host boots)"},
    {.name = "json", .help = "print a JSON array of checks"},
};

/// A matter of this user's home, about which the daemon knows nothing.
api::CheckObject ssh_config_check(const Io& io) {
  api::CheckObject check{.name = "ssh-config", .status = "pass", .detail = {}, .hint = {}};
  auto config = ssh_config(io);
  auto home = host::find_paths(io.env);
  if (!config || !home) {
    check.status = "warn";
    check.detail = config ? home.error().message : config.error().message;
    check.hint = config ? home.error().hint : config.error().hint;
  } else if (is_included(home->home, config->path)) {
    check.detail = "installed: ssh finds VMs as NAME.vm";
  } else {
    check.detail = "not installed: only banger vm ssh finds VMs, and not ssh, scp or git";
    check.hint = "banger ssh-config --install";
  }
  return check;
}

// Without a daemon nothing else can be checked. Then the list has one failed check.
Result<api::CheckList> checks_of(Context& context) {
  auto daemon = Daemon::connect(context.io);
  auto found = daemon ? daemon->get<api::CheckList>("host.doctor", {{"fix", context.args.flag("fix")}})
                      : Result<api::CheckList>(std::unexpected(daemon.error()));
  if (found || found.error().code == ErrorCode::cancelled) return found;
  const auto& error = found.error();
  return api::CheckList{{{.name = "daemon", .status = "fail", .detail = error.message, .hint = error.hint}}};
}

Paint paint_for(const std::string& status) {
  return status == "pass" ? Paint::green : status == "warn" ? Paint::yellow : Paint::red;
}

Table table_of(const api::CheckList& list) {
  Table table;
  for (const auto& check : list.checks) {
    table.add({check.status, check.name,
               check.hint.empty() ? check.detail : fmt::format("{} (hint: {})", check.detail, check.hint)});
    table.colour_last(0, paint_for(check.status));
  }
  return table;
}

Result<int> run(Context& context) {
  auto& io = context.io;
  auto list = TRY(checks_of(context));
  list.checks.push_back(ssh_config_check(io));
  if (form_of(context.args) == Form::json)
    print_json(io, list.checks);
  else
    io.print(table_of(list).text(colours_of(context)));
  bool failed = std::ranges::any_of(list.checks, [](const auto& check) { return check.status == "fail"; });
  return failed ? exit_status::kNo : exit_status::kOk;
}

}  // namespace

extern const Command kDoctor;
constinit const Command kDoctor{
    .name = "doctor",
    .summary = "check whether this host can run VMs",
    .details =
        "Each check passes, warns or fails. The line names a way out if there is one. The exit status is 1 when a "
        "check fails.",
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
