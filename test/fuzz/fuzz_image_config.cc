// Fuzzes the reading of image configurations: any bytes are refused or accepted, and an accepted one must survive
// encoding.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "guestcfg/run_config.h"

using namespace banger;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto config = guestcfg::parse_run_config({reinterpret_cast<const char*>(data), size});
  if (!config) return 0;
  auto again = guestcfg::run_config_from_json(guestcfg::to_json(*config));
  if (!again || *again != *config) std::abort();
  (void)guestcfg::variables(*config);
  return 0;
}
