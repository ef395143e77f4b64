// banger vm ports
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "api/objects/port.h"
#include "base/text.h"
#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument};
constexpr Option kOptions[] = {{.name = "json", .help = "print a JSON array of ports"}};

// Prints the ports that are not forwarded or busy: each reason once, with the hint of its first port.
void note_problems(const Io& io, const std::vector<api::PortObject>& list) {
  struct Reason {
    std::vector<std::string> ports;
    std::string hint;
    bool forwarded = false;
  };
  std::map<std::string, Reason> reasons;
  for (const auto& port : list) {
    if (port.note.empty()) continue;
    auto& reason = reasons[port.note];
    reason.ports.push_back(std::to_string(port.port));
    if (reason.hint.empty()) reason.hint = port.hint;
    reason.forwarded = !port.forward.empty();
  }
  for (const auto& [note, reason] : reasons)
    io.note(fmt::format("{}: {}: {} (hint: {})", reason.forwarded ? "busy" : "not forwarded", join(reason.ports, ", "),
                        safe_text(note), safe_text(reason.hint)));
}

// A listener on all IPv4 and a listener on all IPv6 addresses look the same to people.
std::string endpoint_of(const api::PortObject& port) {
  auto address = port.address;
  if (address == "::" || address == "0.0.0.0" || address.empty()) address = "*";
  if (address.find(':') != address.npos) address = "[" + address + "]";
  return fmt::format("{}:{}", address, port.port);
}

// The column of published ports is only there if the VM publishes some.
Table table_of(const std::vector<api::PortObject>& list) {
  bool published = std::ranges::any_of(list, [](const auto& port) { return !port.published.empty(); });
  std::vector<std::vector<std::string>> rows;
  for (const auto& port : list) {
    std::vector<std::string> row{port.scheme.empty() ? port.protocol : port.scheme,
                                 port.url.empty() ? endpoint_of(port) : port.url, port.process, port.command};
    if (published) row.push_back(join(port.published, ", "));
    if (std::ranges::find(rows, row) == rows.end()) rows.push_back(std::move(row));
  }
  std::vector<std::string> head{"PROTO", "ENDPOINT", "PROCESS", "COMMAND"};
  if (published) head.emplace_back("PUBLISHED");
  Table table(std::move(head));
  for (auto& row : rows) table.add(std::move(row));
  return table;
}

Result<int> ports(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::connect(io));
  auto list = TRY(daemon.get<api::PortList>("vm.ports", {{"vm", context.args.positionals[0]}})).ports;
  if (form_of(context.args) == Form::json) {
    print_json(io, list);
    return exit_status::kOk;
  }
  io.print(table_of(list).text(colours_of(context)));
  note_problems(io, list);
  return exit_status::kOk;
}

}  // namespace

extern const Command kVmPorts;
constinit const Command kVmPorts{
    .group = "vm",
    .name = "ports",
    .summary = "list the ports that a VM listens on",
    .details =
        "banger sends a request to each TCP port. A port that speaks HTTP or HTTPS is shown as a link. A link has the "
        "VM's name if this host asks banger's DNS server for .vm names, and the VM's address otherwise.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = ports,
};

}  // namespace banger::roles::cli
