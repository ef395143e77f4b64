#include "engine/reach/published_ports.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/bounds.h"
#include "engine/vm/wake.h"

namespace banger::engine {

namespace {

using vm::PublishedPort;
using vm::State;

constexpr host::Ipv4 kLoopbackNetwork = 127;

/// Whether the VM's ports are open. A port is open before the guest can be reached, so that it is certainly the VM's.
bool is_open(const VmOwner& vm) {
  if (vm.record().gone() || vm.record().row().purpose != store::Purpose::user) return false;
  if (vm.parts().services.config.auto_wake && sleeps(vm)) return true;
  auto state = vm.state();
  return state == State::starting || state == State::running || state == State::suspending;
}

// The address was checked when the spec was.
host::Endpoint place_of(const PublishedPort& port) { return {host::parse_ipv4(port.address).value_or(0), port.host}; }

std::unexpected<Error> explain(Error error, const host::Endpoint& place, std::uint16_t guest) {
  auto what = fmt::format("publish port {}", host::to_string(place));
  switch (error.code) {
    case ErrorCode::busy:
      error = {error.code, "another program on this host listens there", error.sys_errno,
               fmt::format("publish another port, or 0:{} for any free port", guest)};
      break;
    case ErrorCode::denied:
      error = {error.code, "this user may not listen on low ports", error.sys_errno,
               fmt::format("publish a higher port, as in {}:{}", 8000 + place.port, guest)};
      break;
    default:
      break;
  }
  return std::unexpected(std::move(error).in(what));
}

}  // namespace

PublishedPorts::Reserved::~Reserved() {
  for (const auto& place : places_)
    std::erase_if(all_->reserved_, [&](const auto& each) { return each->endpoint() == place; });
}

std::string PublishedPorts::holder_of(const host::Endpoint& place) const {
  for (const auto& [vm, watch] : watches_)
    for (const auto& [port, publication] : watch->ports)
      if (publication.open && publication.open->at() == place) return vm->record().name();
  return "";
}

Result<std::unique_ptr<net::TcpListener>> PublishedPorts::listen(const host::Endpoint& place, std::uint16_t guest) {
  auto reserved = std::ranges::find_if(reserved_, [&](const auto& each) { return each->endpoint() == place; });
  if (reserved != reserved_.end()) {
    auto taken = std::move(*reserved);
    reserved_.erase(reserved);
    return taken;
  }
  if (totals_->ports >= limits::kPublishedPortsInAll)
    return fail(ErrorCode::exhausted,
                fmt::format("the limit of {} published ports is reached", limits::kPublishedPortsInAll),
                "stop a VM that publishes ports, or see banger vm set --clear-publish");
  auto made = net::listen_tcp(services_.runtime, place);
  if (made) return made;
  return explain(std::move(made).error(), place, guest);
}

Result<PublishedPorts::Reserved> PublishedPorts::reserve(std::vector<PublishedPort>& ports, const VmOwner* by) {
  Reserved reserved(this);
  auto own = by ? open(*by) : std::vector<std::pair<PublishedPort, Error>>();
  for (auto& port : ports) {
    auto place = place_of(port);
    bool has = std::ranges::any_of(own, [&](const auto& each) { return place_of(each.first) == place; });
    if (has) continue;
    if (auto holder = holder_of(place); !holder.empty())
      return fail(ErrorCode::busy, fmt::format("vm '{}' publishes port {}", holder, host::to_string(place)),
                  fmt::format("publish another port, or run banger vm set --clear-publish {}", holder));
    if (std::ranges::any_of(reserved_, [&](const auto& each) { return each->endpoint() == place; }))
      return fail(ErrorCode::busy,
                  fmt::format("another VM that is being started publishes port {}", host::to_string(place)),
                  fmt::format("publish another port, or 0:{} for any free port", port.guest));
    auto listener = TRY(listen(place, port.guest));
    port.host = listener->endpoint().port;
    reserved.places_.push_back(listener->endpoint());
    reserved_.push_back(std::move(listener));
  }
  return reserved;
}

void PublishedPorts::watch(std::shared_ptr<VmOwner> vm) {
  auto watch = std::make_shared<Watch>();
  watch->of = std::make_shared<HostPortVm>(HostPortVm{.vm = vm, .totals = totals_});
  watches_[vm.get()] = watch;
  services_.runtime.spawn(follow(std::move(watch)));
}

void PublishedPorts::update(const VmOwner& vm) {
  if (auto found = watches_.find(&vm); found != watches_.end()) update(found->second);
}

Task<> PublishedPorts::follow(WatchPtr watch) {
  auto vm = watch->of->vm;
  while (!vm->record().gone()) {
    update(watch);
    bool failed = std::ranges::any_of(watch->ports, [](const auto& each) { return !each.second.open; });
    co_await vm->parts().record->changed().wait(failed ? host::after(limits::kPublishRetry) : host::Deadline::max());
  }
  update(watch);
  watches_.erase(vm.get());
}

void PublishedPorts::update(const WatchPtr& watch) {
  const auto& vm = *watch->of->vm;
  auto wanted = is_open(vm) ? vm.record().spec().publish : std::vector<PublishedPort>();
  std::erase_if(watch->ports, [&](const auto& each) {
    bool stays = std::ranges::find(wanted, each.first) != wanted.end();
    if (!stays && each.second.open) each.second.open->close();
    return !stays;
  });
  for (const auto& port : wanted) {
    auto known = std::ranges::find(watch->ports, port, &std::pair<PublishedPort, Publication>::first);
    if (known != watch->ports.end()) {
      if (!known->second.open) known->second = publish(watch, port);
      continue;
    }
    const auto& made = watch->ports.emplace_back(port, publish(watch, port)).second;
    if (!made.open)
      services_.log.warn("publish.failed", {{"vm", vm.record().name()}, {"error", made.problem.sentence()}});
  }
}

PublishedPorts::Publication PublishedPorts::publish(const WatchPtr& watch, const PublishedPort& port) {
  auto place = place_of(port);
  auto made = listen(place, port.guest);
  if (!made) return {.open = nullptr, .problem = std::move(made).error()};
  // An address beyond loopback is a request to let others connect.
  bool mine =
      services_.config.forward_clients == config::ForwardClients::owner && place.address >> 24 == kLoopbackNetwork;
  auto opened = std::make_shared<HostPort>(watch->of, std::move(*made), fmt::format("localhost:{}", port.guest),
                                           mine ? std::optional(owner_) : std::nullopt);
  opened->serve();
  return {.open = std::move(opened), .problem = {}};
}

std::vector<std::pair<PublishedPort, Error>> PublishedPorts::open(const VmOwner& vm) const {
  std::vector<std::pair<PublishedPort, Error>> found;
  auto watch = watches_.find(&vm);
  if (watch == watches_.end()) return found;
  for (const auto& [port, publication] : watch->second->ports)
    if (publication.open) found.emplace_back(port, publication.open->problem());
  return found;
}

std::vector<std::string> PublishedPorts::problems(const VmOwner& vm) const {
  std::vector<std::string> sentences;
  auto watch = watches_.find(&vm);
  if (watch == watches_.end()) return sentences;
  for (const auto& [port, publication] : watch->second->ports)
    if (!publication.open) sentences.push_back(publication.problem.sentence());
  return sentences;
}

}  // namespace banger::engine
