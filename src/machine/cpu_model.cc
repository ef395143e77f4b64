#include "machine/cpu_model.h"

#include "base/bounds.h"
#include "base/text.h"
#include "host/files.h"

namespace banger::machine {

std::string cpu_model() {
  auto text = host::read_file("/proc/cpuinfo", limits::kMiB).value_or("");
  for (auto line : split(text, '\n'))
    if (line.starts_with("model name")) return std::string(line);
  return "";
}

}  // namespace banger::machine
