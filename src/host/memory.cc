#include "host/memory.h"

#include <charconv>

#include "base/text.h"
#include "host/files.h"

namespace banger::host {

Result<std::uint64_t> available_memory() {
  constexpr std::string_view kKey = "MemAvailable:";
  auto text = TRY(read_file("/proc/meminfo", 64 * 1024));
  for (auto line : split(text, '\n')) {
    if (!line.starts_with(kKey)) continue;
    auto number = trim(line.substr(kKey.size()));
    std::uint64_t kib = 0;
    auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), kib);
    if (error == std::errc{}) return kib * 1024;
  }
  return fail(ErrorCode::internal, "/proc/meminfo does not say how much memory is available");
}

}  // namespace banger::host
