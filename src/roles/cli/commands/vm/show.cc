// banger vm show
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "base/text.h"
#include "roles/cli/arguments.h"
#include "roles/cli/bounds.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/run_config.h"
#include "roles/cli/template_text.h"
#include "roles/cli/times.h"
#include "vm/guest_limits.h"
#include "vm/spec.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument};
constexpr Option kOptions[] = {kFormatOption, kJsonOption};

std::string labels_of(const api::VmObject& vm) {
  std::vector<std::string> pairs;
  for (const auto& [key, value] : vm.labels) pairs.push_back(value.empty() ? key : key + "=" + value);
  return join(pairs, ", ");
}

std::string published_of(const api::VmObject& vm) {
  std::vector<std::string> ports;
  for (const auto& port : vm.publish) {
    auto at = port.rfind(':');
    ports.push_back(at == port.npos ? port : fmt::format("{} -> {}", port.substr(0, at), port.substr(at + 1)));
  }
  return join(ports, ", ");
}

// What is beyond the internet under the policy "open", or beyond nothing under another. Long lists are cut.
std::string egress_of(const api::VmObject& vm) {
  auto rules = vm.allow.value_or(std::vector<std::string>());
  if (rules.empty()) return vm.egress;
  auto more = rules.size() - std::min(rules.size(), limits::kShownRules);
  rules.resize(rules.size() - more);
  return fmt::format("{}, {} {}{}", vm.egress, vm.egress == vm::kNoEgress ? "except" : "also", join(rules, ", "),
                     more == 0 ? "" : fmt::format(" and {} more", more));
}

std::string secret_of(const api::SecretObject& secret, const std::string& vm) {
  auto hosts = secret.hosts;
  auto more = hosts.size() - std::min(hosts.size(), limits::kShownRules);
  hosts.resize(hosts.size() - more);
  auto text =
      fmt::format("{} for {}{}", secret.name, join(hosts, ", "), more == 0 ? "" : fmt::format(" and {} more", more));
  if (secret.available) return text;
  return fmt::format("{} (value missing: banger vm set {} --secret {}@{})", text, vm, secret.name,
                     join(secret.hosts, ","));
}

std::string stages_of(const api::VmObject& vm) {
  std::string text;
  for (const auto& stage : vm.stages)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", stage.name,
                        format_duration(std::chrono::milliseconds(static_cast<std::int64_t>(std::max(stage.ms, 0.0)))));
  return text;
}

std::string machine_of(const api::VmObject& vm) {
  auto text = vm.accelerator.empty() ? vm.machine : fmt::format("{} ({})", vm.machine, vm.accelerator);
  return vm.machine_reason.empty() ? text : fmt::format("{}, because {}", text, vm.machine_reason);
}

std::string ready_of(const api::VmObject& vm) {
  if (vm.silent) return "no: the guest has stopped answering";
  if (vm.system_ready) return "system";
  return vm.agent_ready ? "agent" : "no";
}

Table table_of(const api::VmObject& vm) {
  Table table;
  table.add({"name", vm.name});
  table.add({"id", vm.id});
  table.add({"state", std::string(vm::to_string(vm.state))});
  if (!vm.paused.empty()) {
    table.add({"paused", vm.paused});
    table.colour_last(1, Paint::yellow);
  }
  if (!vm.ended.empty()) table.add({"ended", fmt::format("{}: {}", time_of(vm.ended_at), vm.ended)});
  if (!vm.last_error.empty()) {
    table.add({"last error", vm.last_error});
    table.colour_last(1, Paint::red);
  }
  table.add({"ready", ready_of(vm)});
  table.add({"image", vm.image});
  add_run_config(table, vm.config);
  table.add({"kernel", vm.kernel});
  table.add({"vcpus", std::to_string(vm.vcpus)});
  table.add({"memory", format_size(vm.memory_bytes)});
  table.add({"disk", format_size(vm.disk_bytes)});
  table.add({"system disk", format_size(vm.system_bytes)});
  if (vm.pids > 0) table.add({"process limit", fmt::format("{} for each command", vm.pids)});
  table.add({"storage", vm.storage});
  if (auto limit = vm::disk_limit_text(vm.disk_iops, vm.disk_bandwidth_bytes); !limit.empty())
    table.add({"disk limit", limit});
  table.add({"used on host", format_size(vm.disk_used_bytes)});
  table.add({"network", vm.network});
  if (vm.net_bandwidth_bytes > 0) table.add({"network limit", vm::rate_text(vm.net_bandwidth_bytes)});
  table.add({"address", vm.address});
  table.add({"nat", vm.nat ? "yes" : "no"});
  // An older daemon has no policies.
  if (auto egress = egress_of(vm); !egress.empty() && egress != vm::kOpenEgress) table.add({"egress", egress});
  for (const auto& secret : vm.secrets.value_or(std::vector<api::SecretObject>())) {
    table.add({"secret", secret_of(secret, vm.name)});
    if (!secret.available) table.colour_last(1, Paint::red);
  }
  if (!vm.publish.empty()) table.add({"published", published_of(vm)});
  for (const auto& problem : vm.publish_problems.value_or(std::vector<std::string>())) {
    table.add({"not published", problem});
    table.colour_last(1, Paint::red);
  }
  if (!vm.restart.empty() && vm.restart != "no") table.add({"restart", vm.restart});
  if (vm.autostart) table.add({"autostart", "yes"});
  table.add({"machine", machine_of(vm)});
  table.add({"pid", vm.pid ? std::to_string(*vm.pid) : ""});
  table.add({"labels", labels_of(vm)});
  table.add({"created", time_of(vm.created_at)});
  table.add({"started", time_of(vm.started_at)});
  if (vm.ephemeral) table.add({"deleted", "when the command that created it ends"});
  table.add({"way", vm.started_from});
  table.add({"template", vm.template_id});
  table.add({"stages", stages_of(vm)});
  table.add({"directory", vm.directory});
  return table;
}

Result<int> show(Context& context) {
  auto format = context.args.has("format") ? template_of(context.args, api::VmObject::kObject) : TemplateText();
  if (!format) return context.usage(format.error().message, format.error().hint);
  auto daemon = TRY(Daemon::connect(context.io));
  auto vm = TRY(daemon.get<api::VmObject>("vm.show", {{"vm", context.args.positionals[0]}}));
  if (context.args.has("format")) {
    context.io.print(format->line(api::to_json(vm)));
    return exit_status::kOk;
  }
  print_object(context, vm, table_of(vm));
  return exit_status::kOk;
}

}  // namespace

extern const Command kVmShow;
constinit const Command kVmShow{
    .group = "vm",
    .name = "show",
    .summary = "show everything about one VM",
    .details =
        "'way' says how the machine came up: cold (a boot), clone (of a template), pool (a clone from the ready pool), "
        "fork, snapshot or resume. 'stages' has the stages of the last create or start, and their times.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = show,
};

}  // namespace banger::roles::cli
