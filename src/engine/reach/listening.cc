#include "engine/reach/listening.h"

#include "engine/bounds.h"
#include "engine/reach/forwards.h"
#include "link/bounds.h"

namespace banger::engine {

namespace {

/// The first line of GET /listening.
Task<Result<GuestPorts>> listening_ports(link::Client& client) {
  auto stream = CO_TRY(co_await client.open({.method = "GET", .path = "/listening"}));
  CO_TRY(co_await stream->finish());
  int status = CO_TRY(co_await stream->status(host::after(limits::kForwardAgentDeadline)));
  if (status != 200) co_return fail(ErrorCode::corrupt, "the guest does not list its ports");
  std::string text;
  while (text.find('\n') == text.npos) {
    auto bytes = CO_TRY(co_await stream->read());
    if (bytes.empty() || text.size() + bytes.size() > 2 * limits::kListeningLineBytes)
      co_return fail(ErrorCode::corrupt, "the guest's list of ports has no end");
    text += bytes;
  }
  co_return parse_guest_ports(std::string_view(text).substr(0, text.find('\n')));
}

bool is_new(const store::VmRow& row) {
  return unix_now() - row.started_at < std::chrono::seconds(limits::kListenersSettled).count();
}

}  // namespace

Task<Result<bool>> wait_for_listener(const VmParts& vm, std::uint16_t port, host::Cancel& cancel) {
  auto& runtime = vm.services.runtime;
  auto deadline = host::after(vm.services.config.ready_timeout);
  auto given_up = [&cancel] { return cancel.requested(); };
  // The servers of a clone that has just begun may restart with its host key, so one look is not enough then.
  int looks_needed = is_new(vm.row()) ? 2 : 1;
  for (int looks_after_boot = 0;;) {
    auto client = CO_TRY(co_await vm.link->client(host::after(limits::kForwardAgentDeadline)));
    auto booted = co_await vm.link->wait_system(limits::kListenerPatience, given_up);
    if (cancel.requested()) co_return fail(ErrorCode::cancelled, "cancelled");
    auto ports = CO_TRY(co_await listening_ports(*client));
    if (ports.contains(port)) co_return true;
    if (booted && ++looks_after_boot >= looks_needed) co_return false;
    if (host::Clock::now() >= deadline) co_return false;
    co_await runtime.sleep_for(limits::kListenerPause);
  }
}

}  // namespace banger::engine
