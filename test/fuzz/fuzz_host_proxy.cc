// Fuzzes requests of guests to the host's proxy. What the proxy gets is one request for the same host, and the host's
// own authorization is the only one in it.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/letters.h"
#include "capabilities/host_proxy/request.h"

namespace {

using namespace banger;
using namespace banger::egress;

constexpr const char* kOwn = "Basic aG9zdA==";

void must(bool holds) {
  if (!holds) std::abort();
}

std::size_t count(const HttpHead& head, std::string_view small_name) {
  return static_cast<std::size_t>(
      std::ranges::count_if(head.fields, [&](const auto& field) { return lower(field.name) == small_name; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  HttpHeadParser parser;
  if (parser.feed({reinterpret_cast<const char*>(data), size}) != HeadState::found) return 0;
  const auto& head = parser.head();
  capabilities::ProxyReach reach{.is_own = [](net::Ipv4) { return false; },
                                 .names_us = [](const std::string&) { return false; }};
  if (!capabilities::check_for_proxy(head, reach)) return 0;
  auto text = capabilities::head_for_proxy(head, kOwn);
  HttpHeadParser again;
  // The fields of the relay may exceed a limit.
  if (again.feed(text) == HeadState::refused && again.fault() == HeadFault::too_large) return 0;
  must(again.state() == HeadState::found && again.bytes() == text.size());
  const auto& sent = again.head();
  must(sent.method == head.method && sent.target == head.target && sent.host == head.host && sent.form == head.form);
  bool tunnel = head.form == TargetForm::authority;
  must(sent.framing == (tunnel ? Framing::none : head.framing) && sent.upgrades.empty());
  must(count(sent, "proxy-authorization") == 1 && text.find(kOwn) != text.npos);
  must(count(sent, "connection") == (tunnel ? 0u : 1u));
  return 0;
}
