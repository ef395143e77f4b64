// vm.ports and vm.tunnel: the ports that a guest listens on, and connections to them.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "engine/reach/forwards.h"
#include "engine/reach/reach.h"
#include "engine/reach/relay.h"
#include "link/bounds.h"
#include "roles/daemon/methods/methods.h"
#include "roles/daemon/methods/probe.h"

namespace banger::roles::daemon {

namespace {

constexpr auto kAgentConnectDeadline = std::chrono::seconds(10);
constexpr auto kTunnelDeadline =
    limits::kTunnelConnectDeadline + std::chrono::seconds(5);  // the agent's deadline, and the time of the link
constexpr auto kForwardDeadline = std::chrono::seconds(3);     // for a port that was opened a moment ago

// One row of the agent's answer. The guest is hostile, so only the fields below are taken, each within its limits.
Result<Json> port_row(const Json& row) {
  if (!row.is_object()) return fail(ErrorCode::corrupt, "the guest's list of ports has an item that is not an object");
  auto port = TRY(get_int(row, "port"));
  auto protocol = TRY(get_string(row, "protocol"));
  if (port < 1 || port > 65535 || (protocol != "tcp" && protocol != "udp"))
    return fail(ErrorCode::corrupt, "the guest's list has an invalid port");
  return Json{{"protocol", protocol},
              {"address", printable(TRY(get_string(row, "address")), 64)},
              {"port", port},
              {"process", printable(TRY(get_string(row, "process")), 64)},
              {"command", printable(TRY(get_string(row, "command")), limits::kPortCommandBytes)},
              {"pid", TRY(get_int(row, "pid"))},
              {"scheme", ""},
              {"url", ""},
              {"forward", ""},
              {"note", ""},
              {"hint", ""}};
}

Result<std::vector<Json>> port_rows(const std::string& text) {
  auto json = TRY(parse_json(text, limits::kLinkJsonBytes));
  auto list = json.is_object() ? json.find("ports") : json.end();
  if (!json.is_object() || list == json.end() || !list->is_array())
    return fail(ErrorCode::corrupt, "the guest did not send a list of ports");
  std::vector<Json> rows;
  for (const auto& row : *list)
    if (rows.size() < limits::kPortRows) rows.push_back(TRY(port_row(row)));
  return rows;
}

std::uint16_t port_of(const Json& row) { return row.at("port").get<std::uint16_t>(); }
bool is_tcp(const Json& row) { return row.at("protocol") == "tcp"; }

std::string target_of(const Json& row) {
  auto parsed =
      engine::parse_guest_ports(dump_json({{"ports", {{{"address", row.at("address")}, {"port", row.at("port")}}}}}));
  return parsed && !parsed->empty() ? parsed->begin()->second : "";
}

/// Probes of all rows, which run at the same time.
struct Probing {
  Probing(host::Runtime& r, std::shared_ptr<link::Client> c, std::vector<Json> all)
      : runtime(r), client(std::move(c)), rows(std::move(all)), done(r) {}
  host::Runtime& runtime;
  std::shared_ptr<link::Client> client;
  std::vector<Json> rows;
  std::size_t open = 0;
  host::Event done;
};

Task<> probe_row(std::shared_ptr<Probing> probing, std::size_t index, std::string host) {
  auto target = target_of(probing->rows[index]);
  auto found = target.empty() ? Scheme::none
                              : co_await probe(probing->runtime, probing->client, target,
                                               fmt::format("{}:{}", host, port_of(probing->rows[index])));
  probing->rows[index]["scheme"] = to_string(found);
  if (--probing->open == 0) probing->done.notify_all();
}

Task<> probe_all(std::shared_ptr<Probing> probing, std::string host) {
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < probing->rows.size() && asked.size() < limits::kProbePorts; ++i)
    if (is_tcp(probing->rows[i])) asked.push_back(i);
  probing->open = asked.size();
  for (auto index : asked) probing->runtime.spawn(probe_row(probing, index, host));
  while (probing->open > 0) co_await probing->done.wait();
}

std::string url_of(const std::string& host, const std::string& scheme, std::uint16_t port) {
  bool usual = port == (scheme == "http" ? 80 : 443);
  return usual ? fmt::format("{}://{}/", scheme, host) : fmt::format("{}://{}:{}/", scheme, host, port);
}

// Adds the address where this host reaches each port, and the URL for a browser.
void add_forwards(std::vector<Json>& rows, const std::map<std::uint16_t, engine::Forwards::Port>& forwards,
                  const std::string& host) {
  for (auto& row : rows) {
    auto forward = is_tcp(row) ? forwards.find(port_of(row)) : forwards.end();
    if (forward == forwards.end()) continue;
    const auto& [at, why_not] = forward->second;
    if (at.port == 0) {
      row["note"] = why_not.message;
      row["hint"] = why_not.hint;
      continue;
    }
    row["forward"] = to_string(at);
    if (row["scheme"] != "") row["url"] = url_of(host, row["scheme"], at.port);
  }
}

// Adds the URLs of a guest with an address of its own. A server on the guest's loopback cannot be reached from outside.
void add_guest_urls(std::vector<Json>& rows, const std::string& host) {
  for (auto& row : rows) {
    auto at = row["address"].get<std::string>();
    bool inside = at.starts_with("127.") || at == "::1";
    if (!inside && row["scheme"] != "") row["url"] = url_of(host, row["scheme"], port_of(row));
  }
}

Task<Result<Json>> ports(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto vm = CO_TRY(named_vm(daemon, params));
  bool probed = CO_TRY(find_bool(params, "probe")).value_or(true);
  auto client = CO_TRY(co_await vm->parts().link->client(host::after(kAgentConnectDeadline)));
  auto text = CO_TRY(co_await client->call("GET", "/ports", "", host::after(limits::kLinkRequestDeadline)));
  auto rows = CO_TRY(in(fmt::format("the answer of vm '{}'", vm->record().name()), port_rows(text)));
  std::vector<std::uint16_t> numbers;
  for (const auto& row : rows)
    if (is_tcp(row)) numbers.push_back(port_of(row));
  auto probing = std::make_shared<Probing>(daemon.services.runtime, client, std::move(rows));
  auto host = vm->record().name() + ".vm";
  if (probed) co_await probe_all(probing, host);
  if (engine::own_address(vm->parts())) {
    add_guest_urls(probing->rows, host);
  } else {
    co_await daemon.forwards.wait_for(*vm, std::move(numbers), host::after(kForwardDeadline));
    add_forwards(probing->rows, daemon.forwards.of(*vm), host);
  }
  co_return Json{{"ports", std::move(probing->rows)}};
}

Result<std::string> authority_of(const Json& params) {
  auto port = TRY(get_int(params, "port"));
  auto host = TRY(find_string(params, "host")).value_or("localhost");
  if (host.empty() || host.size() > 255 || printable(host) != host || host.find_first_of("[]@/ ") != host.npos)
    return fail(ErrorCode::invalid, "parameter 'host' must be a name or an address");
  return fmt::format(fmt::runtime(host.find(':') == host.npos ? "{}:{}" : "[{}]:{}"), host, port);
}

Task<Result<Json>> tunnel(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto vm = CO_TRY(named_vm(daemon, params));
  auto authority = CO_TRY(authority_of(params));
  auto client = CO_TRY(co_await vm->parts().link->client(host::after(kAgentConnectDeadline)));
  auto use = vm->parts().use->begin();
  std::shared_ptr<link::ClientStream> guest =
      CO_TRY(co_await client->open({.method = "CONNECT", .path = std::move(authority)}));
  int status = CO_TRY(co_await guest->status(host::after(kTunnelDeadline)));
  if (status >= 400) co_return std::unexpected(link::guest_error(status, CO_TRY(co_await guest->read())));
  auto caller = CO_TRY(co_await context.become_stream(Json{{"id", vm->record().id()}, {"name", vm->record().name()}}));
  co_await engine::relay(daemon.services.runtime, std::move(caller), guest, engine::OnCallerEnd::pass_on);
  co_return Json();
}

constexpr Handler kHandlers[] = {
    {"vm.ports", ports},
    {"vm.tunnel", tunnel},
};

}  // namespace

std::span<const Handler> port_handlers() { return kHandlers; }

}  // namespace banger::roles::daemon
