// vm.ports and vm.tunnel: the ports that a guest listens on, and connections to them.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/objects/port.h"
#include "base/text.h"
#include "engine/bounds.h"
#include "engine/reach/forwards.h"
#include "engine/reach/reach.h"
#include "engine/reach/relay.h"
#include "engine/vm/wake.h"
#include "link/bounds.h"
#include "roles/daemon/bounds.h"
#include "roles/daemon/methods/methods.h"
#include "roles/daemon/methods/probe.h"
#include "roles/daemon/methods/vm_object.h"
#include "rpc/chunks.h"
#include "vm/published_port.h"

namespace banger::roles::daemon {

namespace {

// One row of the agent's answer. The guest is hostile, so only the fields below are taken, each within its limits.
Result<api::PortObject> port_of(const Json& row) {
  if (!row.is_object()) return fail(ErrorCode::corrupt, "the guest's list of ports has an item that is not an object");
  auto port = TRY(get_int(row, "port"));
  auto protocol = TRY(get_string(row, "protocol"));
  if (port < 1 || port > 65535 || (protocol != "tcp" && protocol != "udp"))
    return fail(ErrorCode::corrupt, "the guest's list has an invalid port");
  api::PortObject object;
  object.protocol = protocol;
  object.address = printable(TRY(get_string(row, "address")), limits::kGuestTextBytes);
  object.port = static_cast<std::uint16_t>(port);
  object.process = printable(TRY(get_string(row, "process")), limits::kGuestTextBytes);
  object.command = printable(TRY(get_string(row, "command")), limits::kPortCommandBytes);
  object.pid = TRY(get_int(row, "pid"));
  return object;
}

Result<std::vector<api::PortObject>> ports_of(const std::string& text) {
  auto json = TRY(parse_json(text, limits::kLinkJsonBytes));
  auto list = json.is_object() ? json.find("ports") : json.end();
  if (!json.is_object() || list == json.end() || !list->is_array())
    return fail(ErrorCode::corrupt, "the guest did not send a list of ports");
  std::vector<api::PortObject> ports;
  for (const auto& row : *list)
    if (ports.size() < limits::kPortRows) ports.push_back(TRY(port_of(row)));
  return ports;
}

bool is_tcp(const api::PortObject& port) { return port.protocol == "tcp"; }

std::string target_of(const api::PortObject& port) {
  auto parsed = engine::parse_guest_ports(dump_json({{"ports", {{{"address", port.address}, {"port", port.port}}}}}));
  return parsed && !parsed->empty() ? parsed->begin()->second.target : "";
}

/// Probes of all ports, which run at the same time.
struct Probing {
  Probing(host::Runtime& r, std::shared_ptr<link::Client> c, std::vector<api::PortObject> all)
      : runtime(r), client(std::move(c)), ports(std::move(all)), done(r) {}
  host::Runtime& runtime;
  std::shared_ptr<link::Client> client;
  std::vector<api::PortObject> ports;
  std::size_t open = 0;
  host::Event done;
};

Task<> probe_port(std::shared_ptr<Probing> probing, std::size_t index, std::string host) {
  auto& port = probing->ports[index];
  auto target = target_of(port);
  auto found = target.empty()
                   ? Scheme::none
                   : co_await probe(probing->runtime, probing->client, target, fmt::format("{}:{}", host, port.port));
  port.scheme = to_string(found);
  if (--probing->open == 0) probing->done.notify_all();
}

Task<> probe_all(std::shared_ptr<Probing> probing, std::string host) {
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < probing->ports.size() && asked.size() < limits::kProbePorts; ++i)
    if (is_tcp(probing->ports[i])) asked.push_back(i);
  probing->open = asked.size();
  for (auto index : asked) probing->runtime.spawn(probe_port(probing, index, host));
  while (probing->open > 0) co_await probing->done.wait();
}

std::string url_of(const std::string& host, const std::string& scheme, std::uint16_t port) {
  bool usual = port == (scheme == "http" ? 80 : 443);
  return usual ? fmt::format("{}://{}/", scheme, host) : fmt::format("{}://{}:{}/", scheme, host, port);
}

void add_limit(api::PortObject& port, const std::string& vm) {
  port.note = fmt::format("{} ports of this VM are forwarded already", limits::kForwardPorts);
  port.hint = fmt::format("banger vm forward {} {}", vm, port.port);
}

// Adds the address where this host reaches each port, and the URL for a browser.
void add_forwards(std::vector<api::PortObject>& ports, const std::map<std::uint16_t, engine::Forwards::Port>& forwards,
                  const std::string& host, const std::string& vm) {
  for (auto& port : ports) {
    if (!is_tcp(port)) continue;
    auto forward = forwards.find(port.port);
    if (forward == forwards.end() && forwards.size() >= limits::kForwardPorts) add_limit(port, vm);
    if (forward == forwards.end()) continue;
    const auto& [at, problem] = forward->second;
    port.note = problem.message;
    port.hint = problem.hint;
    if (at.port == 0) continue;
    port.forward = to_string(at);
    if (!port.scheme.empty()) port.url = url_of(host, port.scheme, at.port);
  }
}

// Adds the ports of the host that lead to each port. A port whose connections wait says so.
void add_published(std::vector<api::PortObject>& ports,
                   const std::vector<std::pair<vm::PublishedPort, Error>>& published) {
  for (auto& port : ports)
    for (const auto& [each, problem] : published) {
      if (!is_tcp(port) || each.guest != port.port) continue;
      port.published.push_back(fmt::format("{}:{}", each.address, each.host));
      if (problem.message.empty()) continue;
      port.note = problem.message;
      port.hint = problem.hint;
    }
}

// Adds the URLs of a guest with an address of its own. A server on the guest's loopback cannot be reached from outside.
void add_guest_urls(std::vector<api::PortObject>& ports, const std::string& host) {
  for (auto& port : ports) {
    bool inside = port.address.starts_with("127.") || port.address == "::1";
    if (!inside && !port.scheme.empty()) port.url = url_of(host, port.scheme, port.port);
  }
}

Task<Result<Json>> ports(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto vm = CO_TRY(named_vm(daemon, params));
  bool probed = CO_TRY(find_bool(params, "probe")).value_or(true);
  auto patience = CO_TRY(find_ms(params, "timeout_ms"));
  auto last = patience ? host::after(*patience) : host::Deadline::max();
  auto within = [last](auto most) { return std::min(last, host::after(most)); };
  auto client = CO_TRY(co_await vm->parts().link->client(within(limits::kAgentConnectDeadline)));
  auto text = CO_TRY(co_await client->call("GET", "/ports", "", within(limits::kLinkRequestDeadline)));
  auto found = CO_TRY(in(fmt::format("the answer of vm '{}'", vm->record().name()), ports_of(text)));
  std::vector<std::uint16_t> numbers;
  for (const auto& port : found)
    if (is_tcp(port)) numbers.push_back(port.port);
  auto probing = std::make_shared<Probing>(daemon.services.runtime, client, std::move(found));
  auto host = vm->record().name() + ".vm";
  if (probed) co_await probe_all(probing, host);
  // A link must open. Without names, the address does.
  if (auto address = engine::address_of(*vm); address && probed && !co_await daemon.dns.is_known_to_host(vm))
    host = host::ipv4_text(address->address);
  if (engine::own_address(vm->parts())) {
    add_guest_urls(probing->ports, host);
  } else {
    co_await daemon.forwards.wait_for(*vm, std::move(numbers), within(limits::kForwardDeadline));
    add_forwards(probing->ports, daemon.forwards.of(*vm), host, vm->record().name());
  }
  add_published(probing->ports, daemon.published.open(*vm));
  co_return api::to_json(api::PortList{.ports = std::move(probing->ports)});
}

/// A caller that gets the guest's bytes in chunks. relay() writes no bytes at the guest's end, which is the last chunk.
class ChunkedCaller : public rpc::RawStream {
 public:
  explicit ChunkedCaller(std::shared_ptr<rpc::RawStream> raw) : raw_(std::move(raw)) {}
  Task<Result<std::string>> read() override { return raw_->read(); }
  Task<Result<>> write(std::string bytes) override { return raw_->write(rpc::encode_chunk(bytes)); }
  void shutdown_write() override { raw_->shutdown_write(); }
  Task<> gone() override { return raw_->gone(); }

 private:
  std::shared_ptr<rpc::RawStream> raw_;
};

Result<std::string> authority_of(const Json& params) {
  auto port = TRY(get_int(params, "port"));
  auto host = TRY(find_string(params, "host")).value_or("localhost");
  if (host.empty() || host.size() > limits::kHostNameBytes || printable(host) != host ||
      host.find_first_of("[]@/ ") != host.npos)
    return fail(ErrorCode::invalid, "parameter 'host' must be a name or an address");
  return fmt::format(fmt::runtime(host.find(':') == host.npos ? "{}:{}" : "[{}]:{}"), host, port);
}

Task<Result<Json>> tunnel(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto vm = CO_TRY(named_vm(daemon, params));
  auto authority = CO_TRY(authority_of(params));
  auto use = vm->parts().use->begin();
  auto client = CO_TRY(co_await engine::reach_guest(vm, limits::kAgentConnectDeadline));
  std::shared_ptr<link::ClientStream> guest =
      CO_TRY(co_await client->open({.method = "CONNECT", .path = std::move(authority)}));
  int status = CO_TRY(co_await guest->status(host::after(limits::kTunnelDeadline)));
  if (status >= 400) co_return std::unexpected(link::guest_error(status, CO_TRY(co_await guest->read())));
  bool chunked = CO_TRY(find_bool(params, "chunks")).value_or(false);
  std::shared_ptr<rpc::RawStream> caller = CO_TRY(co_await context.become_stream(api::to_json(name_object(*vm))));
  if (chunked) caller = std::make_shared<ChunkedCaller>(std::move(caller));
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
