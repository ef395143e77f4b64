// banger vm forward
#include "roles/cli/forward.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "base/text.h"
#include "config/config.h"
#include "roles/cli/arguments.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    kVmArgument,
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

Json json_of(const std::string& vm, const std::vector<ForwardListener>& listeners) {
  Json list = Json::array();
  for (const auto& each : listeners)
    list.push_back({{"address", host::ipv4_text(each.at.address)},
                    {"port", each.at.port},
                    {"vm", vm},
                    {"guest_port", each.guest}});
  return list;
}

std::string text_of(const std::string& vm, const std::vector<ForwardListener>& listeners) {
  std::string text;
  for (const auto& each : listeners) text += fmt::format("{} -> {}:{}\n", host::to_string(each.at), vm, each.guest);
  return text;
}

// An address beyond loopback is a request to let others connect.
Result<std::optional<uid_t>> only_user(const Io& io, host::Ipv4 address) {
  constexpr host::Ipv4 kLoopbackNetwork = 127;
  auto settings = TRY(config::load_config(TRY(host::find_paths(io.env)).config_file));
  bool mine = settings.forward_clients == config::ForwardClients::owner && address >> 24 == kLoopbackNetwork;
  return mine ? std::optional(::geteuid()) : std::nullopt;
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
  auto only = TRY(only_user(io, *address));
  auto daemon = TRY(Daemon::connect(io));
  auto vm = TRY(daemon.get<api::VmObject>("vm.show", {{"vm", args.positionals[0]}}));
  auto name = safe_text(vm.name);
  // A connection resumes a suspended VM, if the config allows that.
  if (vm.state != vm::State::running && vm.state != vm::State::suspended)
    return fail(ErrorCode::unavailable, fmt::format("vm '{}' is {}", name, vm::to_string(vm.state)),
                fmt::format("banger vm start {}", name));
  std::vector<ForwardListener> listeners;
  for (auto port : ports) listeners.push_back(TRY(listen_for(*address, port)));
  if (form_of(args) == Form::json)
    print_json(io, json_of(name, listeners));
  else
    io.print(text_of(name, listeners));
  // Nobody would learn where the ports are.
  if (io.out_errno) return exit_status::kFailed;
  TRY(forward_until_interrupted(io, daemon.signals(), {.vm = vm.id, .listeners = listeners, .only = only}));
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
        "address are reached too. At a loopback address only your own processes and root's may connect, unless "
        "forward_clients in the config is \"all\". At any other address everyone who reaches the address may connect. "
        "A connection that breaks, for example because the VM is suspended, is reset.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = forward,
};

}  // namespace banger::roles::cli
