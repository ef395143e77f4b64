// banger doctor
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/fields.h"
#include "roles/cli/table.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {
    {.name = "fix", .help = "forget whether KVM runs guests, which is remembered until the host boots, and try again"},
    {.name = "json", .help = "print a JSON array of checks"},
};

// Without a daemon nothing else can be checked, and that is the finding.
Json checks_of(Io& io, bool fix, std::optional<Error>& interrupted) {
  auto daemon = Daemon::connect(io);
  auto answer = daemon ? daemon->call("host.doctor", {{"fix", fix}}) : Result<Json>(std::unexpected(daemon.error()));
  if (answer) return list_of(*answer, "checks");
  if (answer.error().code == ErrorCode::cancelled) interrupted = answer.error();
  return Json::array(
      {{{"name", "daemon"}, {"status", "fail"}, {"detail", answer.error().message}, {"hint", answer.error().hint}}});
}

Paint paint_for(const std::string& status) {
  return status == "pass" ? Paint::green : status == "warn" ? Paint::yellow : Paint::red;
}

std::string people_text(const Json& checks, bool colour) {
  Table table;
  for (const auto& check : checks) {
    auto hint = text_of(check, "hint");
    auto detail = text_of(check, "detail");
    table.add({text_of(check, "status"), text_of(check, "name"),
               hint.empty() ? detail : fmt::format("{} (hint: {})", detail, hint)});
    table.colour_last(0, paint_for(text_of(check, "status")));
  }
  return table.text(colour);
}

Result<int> run(Context& context) {
  auto& io = context.io;
  std::optional<Error> interrupted;
  Json checks = checks_of(io, context.args.flag("fix"), interrupted);
  if (interrupted) return std::unexpected(std::move(*interrupted));
  io.print(context.args.flag("json") ? dump_json_pretty(checks) + "\n" : people_text(checks, io.colour(io.out)));
  for (const auto& check : checks)
    if (text_of(check, "status") == "fail") return exit_status::kNo;
  return exit_status::kOk;
}

}  // namespace

extern const Command kDoctor;
constinit const Command kDoctor{
    .name = "doctor",
    .summary = "check whether this host can run VMs, and how well",
    .details = "Each check passes, warns or fails, with a way out where there is one. The status is 1 when one fails.",
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
