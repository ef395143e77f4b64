// Names that end in .vm, for the whole host: systemd-resolved asks banger's name server for them. The setting is per
// link, on the install's bridge. The name server itself is in src/net/dns_server.h.
#include <fmt/format.h>
#include <unistd.h>

#include "base/json.h"
#include "capabilities/bounds.h"
#include "capabilities/capability.h"
#include "host/run_tool.h"

namespace banger::capabilities {

namespace {

constexpr PrivilegedArgument kPort[] = {
    {"port", PrivilegedArgument::Type::number, "the port of the name server on 127.0.0.1: 1024 to 65535"}};

// Ports below 1024 belong to the host's own services, which would then receive the queries.
Result<> check_port(const PrivilegedContext&, const Json& arguments) {
  auto port = TRY(get_int(arguments, "port"));
  if (port < 1024 || port > 65535) return fail(ErrorCode::invalid, "'port' must be between 1024 and 65535");
  return {};
}

Result<> nothing_to_check(const PrivilegedContext&, const Json&) { return {}; }

Result<> resolvectl(std::vector<std::string> words) {
  words.insert(words.begin(), {"resolvectl", "--no-pager"});
  auto output = host::run_tool(words, limits::kResolvectlDeadline);
  if (output) return {};
  if (output.error().code == ErrorCode::not_found)
    return fail(ErrorCode::unavailable, "systemd-resolved is not installed, so this host cannot resolve names in .vm",
                "apt install systemd-resolved");
  return std::unexpected(std::move(output.error()));
}

// resolved reaches a server at 127.0.0.1 over the loopback interface, on any link.
Result<PrivilegedReply> route(const PrivilegedContext& context, const Json& arguments) {
  auto server = fmt::format("127.0.0.1:{}", TRY(get_int(arguments, "port")));
  TRY(resolvectl({"dns", context.bridge_name, server}));
  TRY(resolvectl({"domain", context.bridge_name, "~vm"}));
  TRY(resolvectl({"default-route", context.bridge_name, "false"}));
  return PrivilegedReply{};
}

Result<PrivilegedReply> revert(const PrivilegedContext& context, const Json&) {
  // A removed link took its settings along, and so did a stopped resolved.
  bool link = ::access(fmt::format("/sys/class/net/{}", context.bridge_name).c_str(), F_OK) == 0;
  if (!link ||
      !host::run_tool({"resolvectl", "--no-pager", "status", context.bridge_name}, limits::kResolvectlDeadline))
    return PrivilegedReply{};
  TRY(resolvectl({"revert", context.bridge_name}));
  return PrivilegedReply{};
}

constexpr PrivilegedOperation kOperations[] = {
    {"dns.route",
     "Makes systemd-resolved ask the name server at 127.0.0.1 for names in .vm. The settings belong to the bridge",
     kPort, check_port, route, "dns.revert"},
    {"dns.revert", "Removes these settings from the bridge", {}, nothing_to_check, revert, ""},
};

}  // namespace

extern const Capability dns_route;
constinit const Capability dns_route = {.name = "dns_route", .privileged_ops = kOperations};

}  // namespace banger::capabilities
