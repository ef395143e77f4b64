// banger vm tunnel
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "api/objects/ssh.h"
#include "api/objects/vm.h"
#include "base/text.h"
#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/stdio_tunnel.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "VM", .help = "a name, id or unique id prefix; NAME.vm too", .names = Names::vm},
    {.name = "PORT", .help = "a TCP port of the guest"},
};
constexpr Option kOptions[] = {
    {.name = "ssh", .help = "wait for the SSH server, and write the VM's host key to banger's known_hosts first"},
};
constexpr Example kExamples[] = {
    {"banger vm tunnel web 5432", "standard input and output are a connection to port 5432 of the guest"},
    {"ssh -o ProxyCommand=\"banger vm tunnel --ssh %h %p\" root@web.vm", "what the settings of banger ssh-config do"},
};

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::string without_domain(std::string name) {
  constexpr std::string_view kDomain = ".vm";
  if (name.size() > kDomain.size() && name.ends_with(kDomain)) name.resize(name.size() - kDomain.size());
  return name;
}

/// ssh reads its known_hosts after the first bytes of the server, so the file is right by then.
Result<> prepare_for_ssh(Daemon& daemon, const std::string& vm, std::uint16_t port) {
  auto ready = TRY(daemon.get<api::SshObject>("vm.ssh", {{"vm", vm}, {"port", port}}));
  if (ready.server) return {};
  auto name = safe_text(ready.name);
  return fail(ErrorCode::unavailable, fmt::format("vm '{}' has no SSH server on port {}", name, port),
              fmt::format("banger vm shell {} needs none", name));
}

Result<int> tunnel(Context& context) {
  auto& io = context.io;
  auto vm = without_domain(context.args.positionals[0]);
  auto port = port_of(context.args.positionals[1]);
  if (!port)
    return context.usage(fmt::format("'{}' is not a port", safe_text(context.args.positionals[1])), "write it like 22");
  auto daemon = TRY(Daemon::connect(io));
  if (context.args.flag("ssh")) TRY(prepare_for_ssh(daemon, vm, *port));
  auto stream = TRY(daemon.open_stream("vm.tunnel", {{"vm", vm}, {"port", *port}, {"chunks", true}}));
  auto name = TRY(api::read<api::Named>(stream.result)).name;
  auto ending = pump_stdio({.in = io.in,
                            .out = io.out,
                            .tunnel = stream.socket.get(),
                            .from_tunnel = stream.first_bytes,
                            .stop_fd = daemon.signals().fd()});
  if (ending == Ending::whole) return exit_status::kOk;
  if (TRY(daemon.signals().wait_for(std::chrono::milliseconds(0)))) return exit_status::kInterrupted;
  return fail(ErrorCode::unavailable,
              fmt::format("the connection to port {} of vm '{}' broke", *port, safe_text(name)));
}

}  // namespace

extern const Command kVmTunnel;
constinit const Command kVmTunnel{
    .group = "vm",
    .name = "tunnel",
    .summary = "connect standard input and output to a port of a VM",
    .details =
        "One connection, for programs that run a command to connect, such as ssh with its ProxyCommand. The guest "
        "needs "
        "no network, and servers on the guest's loopback address are reached too. The end of standard input is passed "
        "on. The command ends when the guest has closed the connection.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = tunnel,
};

}  // namespace banger::roles::cli
