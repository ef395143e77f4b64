// Fuzzes the output of a QEMU process: the same bytes, in two different cuts, become lines and QMP messages.
#include <cstdlib>
#include <string_view>
#include <vector>

#include "machine/qemu/qmp_message.h"

namespace {

std::vector<std::string> lines_of(std::string_view bytes, std::size_t step) {
  banger::machine::qemu::LineSplitter splitter;
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    splitter.add(bytes.substr(at, step));
    for (;;) {
      auto line = splitter.next();
      if (!line) return lines;
      if (!*line) break;
      lines.push_back(**line);
    }
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto lines = lines_of(bytes, 4096);
  // The cuts between reads must not change the result.
  if (lines != lines_of(bytes, 7)) std::abort();
  for (const auto& line : lines) {
    auto message = banger::machine::qemu::parse_qmp(line);
    if (!message && message.error().message.empty()) std::abort();
  }
  return 0;
}
