// Fuzzes a guest's list of its ports, and its answers to probes of them.
#include <cstdlib>
#include <string_view>

#include "engine/bounds.h"
#include "engine/reach/forwards.h"
#include "roles/daemon/methods/probe.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  using namespace banger::engine;
  using namespace banger::roles::daemon;
  if (is_tls_answer(bytes) && is_http_answer(bytes)) std::abort();
  auto ports = parse_guest_ports(bytes);
  if (!ports) return 0;
  if (ports->size() > banger::limits::kForwardPorts || ports->contains(0)) std::abort();
  // The text becomes part of a request's head.
  for (const auto& [port, guest] : *ports)
    if (guest.target.size() > 80 || guest.target.find_first_of("\r\n \0") != guest.target.npos) std::abort();
  return 0;
}
