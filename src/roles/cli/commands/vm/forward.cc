// banger vm forward
#include "roles/cli/forward.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "base/text.h"
#include "roles/cli/command.h"
#include "roles/cli/fields.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "VM", .help = "a name, id or unique id prefix", .names = Names::vm},
    {.name = "PORT",
     .help = "a port of the guest, or HOSTPORT:PORT; host port 0 means any free port",
     .repeated = true},
};
constexpr Option kOptions[] = {
    {.name = "address",
     .kind = Kind::text,
     .value = "ADDRESS",
     .help = "the host's IPv4 address to listen on (default: 127.0.0.1)"},
    {.name = "json", .help = "print a JSON array of the forwarded ports"},
};
constexpr Example kExamples[] = {
    {"banger vm forward web 8080", "127.0.0.1:8080 of the host goes to port 8080 of the guest"},
    {"banger vm forward web 8022:22 8443:443", "several ports"},
};

void print_listeners(Io& io, const std::string& vm, const std::vector<ForwardListener>& listeners, bool as_json) {
  Json list = Json::array();
  for (const auto& each : listeners) {
    if (!as_json) io.print(fmt::format("{} -> {}:{}\n", host::to_string(each.at), vm, each.guest));
    list.push_back({{"address", host::ipv4_text(each.at.address)},
                    {"port", each.at.port},
                    {"vm", vm},
                    {"guest_port", each.guest}});
  }
  if (as_json) io.print(dump_json_pretty(list) + "\n");
}

Result<int> forward(Context& context) {
  auto& io = context.io;
  const auto& args = context.args;
  auto address_text = args.text("address").value_or("127.0.0.1");
  auto address = host::parse_ipv4(address_text);
  if (!address) return context.usage(fmt::format("--address: '{}' is not an IPv4 address", safe_text(address_text)));
  std::vector<ForwardedPort> ports;
  for (std::size_t i = 1; i < args.positionals.size(); ++i) {
    auto port = parse_forwarded_port(args.positionals[i]);
    if (!port) return context.usage(port.error().message, port.error().hint);
    ports.push_back(*port);
  }
  auto daemon = TRY(Daemon::connect(io));
  auto vm = TRY(daemon.get<api::VmObject>("vm.show", {{"vm", args.positionals[0]}}));
  auto name = safe_text(vm.name);
  if (vm.state != vm::State::running)
    return fail(ErrorCode::unavailable, fmt::format("vm '{}' is {}", name, vm::to_string(vm.state)),
                fmt::format("banger vm start {}", name));
  std::vector<ForwardListener> listeners;
  for (auto port : ports) listeners.push_back(TRY(listen_for(*address, port)));
  print_listeners(io, name, listeners, args.flag("json"));
  TRY(forward_until_interrupted(io, daemon.signals(), vm.id, listeners));
  return exit_status::kInterrupted;
}

}  // namespace

extern const Command kVmForward;
constinit const Command kVmForward{
    .group = "vm",
    .name = "forward",
    .summary = "forward ports of this host to a VM",
    .details =
        "The command runs until it is interrupted. The guest needs no network, and servers on the guest's loopback "
        "address are reached too. Everyone who can connect to the host's address can reach the guest. Every user of "
        "the host can connect to 127.0.0.1.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = forward,
};

}  // namespace banger::roles::cli
