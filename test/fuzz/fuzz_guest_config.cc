// Fuzzes the decoding of guest configs: any bytes are refused or accepted, and an accepted config must survive
// encoding.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/json.h"
#include "guestcfg/guest_config.h"

using namespace banger;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto json = parse_json({reinterpret_cast<const char*>(data), size}, 1 << 20);
  if (!json) return 0;
  auto config = guestcfg::from_json(*json, {"first", "second"});
  if (!config) return 0;
  Json encoded = guestcfg::to_json(*config, guestcfg::Contents::inline_data);
  auto again = guestcfg::from_json(encoded);
  if (!again || guestcfg::to_json(*again, guestcfg::Contents::inline_data) != encoded) std::abort();
  return 0;
}
