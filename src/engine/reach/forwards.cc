#include "engine/reach/forwards.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "engine/bounds.h"
#include "engine/reach/reach.h"
#include "engine/vm/wake.h"

namespace banger::engine {

namespace {

bool is_address(const std::string& text) {
  return !text.empty() && text.size() <= 64 && text.find_first_not_of("0123456789abcdefABCDEF:.") == text.npos;
}

/// The addresses of the listeners on one port, the first of each kind.
struct Listeners {
  std::string all, other, loopback;

  void add(const std::string& address) {
    bool everywhere = address == "0.0.0.0" || address == "::";
    bool inside = address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
    auto& kind = everywhere ? all : inside ? loopback : other;
    if (kind.empty()) kind = address;
  }
  // Where one listener has all addresses and another one loopback, the address family tells them apart.
  std::string address() const {
    if (!all.empty()) return loopback.empty() ? "localhost" : all == "::" ? "::1" : "127.0.0.1";
    if (!other.empty()) return other;
    return loopback == "127.0.0.1" || loopback == "::1" ? "localhost" : loopback;
  }
  bool only_loopback() const { return all.empty() && other.empty(); }
};

std::string target_of(const std::string& address, std::uint16_t port) {
  return fmt::format(fmt::runtime(address.find(':') == address.npos ? "{}:{}" : "[{}]:{}"), address, port);
}

bool applies(const VmOwner& vm) {
  auto address = address_of(vm);
  return address && address->reach == Reach::forwarded;
}

// The words are the same for every port, so that clients can print them once for all ports.
Error explain(const Error& error, const VmOwner& vm, std::uint16_t port) {
  auto hint = fmt::format("banger vm forward {} {}:{}", vm.record().name(), port < 1024 ? 8000 + port : 0, port);
  switch (error.code) {
    case ErrorCode::denied:
      return {error.code, "this user may not listen on low ports", error.sys_errno, hint};
    case ErrorCode::busy:
      return {error.code, "another program on this host listens there", error.sys_errno, hint};
    default:
      return {error.code, error.message, error.sys_errno, hint};
  }
}

}  // namespace

Result<GuestPorts> parse_guest_ports(std::string_view line) {
  auto json = TRY(parse_json(line, limits::kListeningLineBytes));
  auto rows = json.is_object() ? json.find("ports") : json.end();
  if (!json.is_object() || rows == json.end() || !rows->is_array())
    return fail(ErrorCode::corrupt, "the guest's ports are not a list");
  std::map<std::uint16_t, Listeners> listeners;
  for (const auto& row : *rows) {
    auto address = row.is_object() ? get_string(row, "address") : fail(ErrorCode::corrupt, "");
    auto port = row.is_object() ? get_int(row, "port") : fail(ErrorCode::corrupt, "");
    if (!address || !port || !is_address(*address) || *port < 1 || *port > 65535) continue;
    listeners[static_cast<std::uint16_t>(*port)].add(*address);
    if (listeners.size() > limits::kForwardPorts) listeners.erase(std::prev(listeners.end()));
  }
  GuestPorts ports;
  for (const auto& [number, on] : listeners) ports[number] = {target_of(on.address(), number), on.only_loopback()};
  return ports;
}

void Forwards::watch(std::shared_ptr<VmOwner> vm) {
  if (!services_.config.auto_forward) return;
  auto of = std::make_shared<HostPortVm>(HostPortVm{.vm = vm, .totals = totals_});
  auto watch = std::make_shared<Watch>(services_.runtime, std::move(of));
  watches_[vm.get()] = watch;
  services_.runtime.spawn(forward_ports(std::move(watch)));
}

std::map<std::uint16_t, Forwards::Port> Forwards::of(const VmOwner& vm) const {
  std::map<std::uint16_t, Port> ports;
  auto found = watches_.find(&vm);
  if (found == watches_.end()) return ports;
  for (const auto& [number, listening] : found->second->ports)
    ports[number] = listening->open ? Port{listening->open->at(), listening->open->problem()}
                                    : Port{host::Endpoint{}, listening->problem};
  return ports;
}

Task<> Forwards::wait_for(const VmOwner& vm, std::vector<std::uint16_t> ports, host::Deadline deadline) {
  auto found = watches_.find(&vm);
  if (found == watches_.end() || !applies(vm)) co_return;
  auto watch = found->second;
  try_again(watch);
  if (!std::exchange(watch->asked, true)) watch->changed.notify_all();
  if (ports.size() > limits::kForwardPorts) ports.resize(limits::kForwardPorts);
  auto known = [&] { return std::ranges::all_of(ports, [&](auto port) { return watch->ports.contains(port); }); };
  while (!known() && host::Clock::now() < deadline) co_await watch->changed.wait(deadline);
}

Task<> Forwards::forward_ports(WatchPtr watch) {
  auto vm = watch->of->vm;
  while (!vm->record().gone()) {
    if (!applies(*vm)) {
      close(*watch);
      watch->asked = false;
      co_await vm->parts().record->changed().wait();
      continue;
    }
    auto client = co_await vm->parts().link->client(host::Clock::now());
    if (!client) {
      // The ports of a VM that sleeps stay open, so that a connection wakes the VM.
      co_await vm->parts().record->changed().wait(sleeps(*vm) ? host::Deadline::max()
                                                              : host::after(limits::kForwardSettle));
      continue;
    }
    co_await settle(watch, *client);
    if (applies(*vm) && (*client)->alive()) co_await follow(watch, *client);
    // The guest ended the stream or does not know the request, so the next attempt waits.
    if (!vm->record().gone() && applies(*vm) && !sleeps(*vm))
      co_await vm->parts().record->changed().wait(host::after(limits::kForwardSettle));
  }
  close(*watch);
  watches_.erase(vm.get());
}

Task<> Forwards::settle(WatchPtr watch, std::shared_ptr<link::Client> client) {
  auto until = host::after(limits::kForwardSettle);
  while (!watch->asked && client->alive() && host::Clock::now() < until) co_await watch->changed.wait(until);
}

// Returns when the stream ends.
Task<> Forwards::follow(WatchPtr watch, std::shared_ptr<link::Client> client) {
  auto stream = co_await client->open({.method = "GET", .path = "/listening"});
  if (!stream || !co_await (*stream)->finish()) co_return;
  auto status = co_await (*stream)->status(host::after(limits::kForwardAgentDeadline));
  if (!status || *status != 200) co_return;
  std::string buffer;
  for (;;) {
    auto bytes = co_await (*stream)->read();
    if (!bytes || bytes->empty() || buffer.size() + bytes->size() > 2 * limits::kListeningLineBytes) co_return;
    buffer += *bytes;
    auto end = buffer.rfind('\n');
    if (end == buffer.npos || !applies(*watch->of->vm)) continue;
    // Only the last complete line is up to date.
    auto begin = end == 0 ? buffer.npos : buffer.rfind('\n', end - 1);
    begin = begin == buffer.npos ? 0 : begin + 1;
    auto ports = parse_guest_ports(std::string_view(buffer).substr(begin, end - begin));
    if (!ports) co_return;
    buffer.erase(0, end + 1);
    apply(watch, *ports);
    co_await services_.runtime.sleep_for(limits::kForwardPause);
  }
}

void Forwards::apply(const WatchPtr& watch, const GuestPorts& wanted) {
  // Failed ports are tried again, because the other program may have closed its port.
  std::erase_if(watch->ports, [&](const auto& entry) {
    auto it = wanted.find(entry.first);
    bool stays = it != wanted.end() && it->second == entry.second->guest && entry.second->open;
    if (!stays && entry.second->open) entry.second->open->close();
    return !stays;
  });
  for (const auto& [port, guest] : wanted)
    if (!watch->ports.contains(port)) watch->ports[port] = listen(watch, port, guest);
  watch->changed.notify_all();
}

void Forwards::try_again(const WatchPtr& watch) {
  for (auto& [port, listening] : watch->ports)
    if (!listening->open) listening = listen(watch, port, listening->guest);
}

Result<std::unique_ptr<net::TcpListener>> Forwards::listen_at(const VmOwner& vm, std::uint16_t port,
                                                              const GuestPort& guest) {
  if (guest.loopback && !services_.config.forward_loopback)
    return fail(ErrorCode::unsupported, "the guest listens on its loopback address only",
                fmt::format("banger vm forward {} {}:{}, or forward_loopback = true in the config", vm.record().name(),
                            port < 1024 ? 8000 + port : port, port));
  auto address = address_of(vm);
  if (!address || totals_->ports >= limits::kForwardPortsInAll)
    return fail(ErrorCode::exhausted,
                fmt::format("the limit of {} forwarded ports is reached", limits::kForwardPortsInAll));
  auto made = net::listen_tcp(services_.runtime, {address->address, port});
  return made ? std::move(made) : std::unexpected(explain(made.error(), vm, port));
}

std::shared_ptr<Forwards::Listening> Forwards::listen(const WatchPtr& watch, std::uint16_t port, GuestPort guest) {
  auto listening = std::make_shared<Listening>();
  auto made = listen_at(*watch->of->vm, port, guest);
  listening->guest = std::move(guest);
  if (!made) {
    listening->problem = std::move(made.error());
    return listening;
  }
  bool all = services_.config.forward_clients == config::ForwardClients::all;
  listening->open = std::make_shared<HostPort>(watch->of, std::move(*made), listening->guest.target,
                                               all ? std::nullopt : std::optional(owner_));
  listening->open->serve();
  return listening;
}

void Forwards::close(Watch& watch) {
  for (auto& [port, listening] : watch.ports)
    if (listening->open) listening->open->close();
  watch.ports.clear();
  watch.changed.notify_all();
}

}  // namespace banger::engine
