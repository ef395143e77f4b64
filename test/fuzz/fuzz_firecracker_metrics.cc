// Fuzzes the metrics of a Firecracker process: a line that is added twice gives twice the figures, and never less.
#include <cstdlib>
#include <string_view>

#include "machine/firecracker/metrics.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string_view line(reinterpret_cast<const char*>(data), size);
  banger::machine::MachineMetrics once, twice;
  auto added = banger::machine::firecracker::add_metrics_line(line, once);
  if (!added && (added.error().message.empty() || !once.figures.empty())) std::abort();
  if (added && once.figures.empty()) std::abort();
  for (int i = 0; i < 2; ++i) (void)banger::machine::firecracker::add_metrics_line(line, twice);
  for (const auto& [name, count] : once.figures)
    if (!twice.figures.contains(name) || twice.figures[name] < count) std::abort();
  return 0;
}
