// Fuzzes the config file: any bytes give a Config within its bounds, or an error that names a line.
#include <cstdlib>
#include <string_view>

#include "base/bounds.h"
#include "config/config.h"
#include "vm/bounds.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace banger;
  auto parsed = config::parse_config({reinterpret_cast<const char*>(data), size}, "config.toml");
  if (!parsed) {
    const auto& message = parsed.error().message;
    if (!message.starts_with("config.toml:") || message.find(": ") + 2 >= message.size()) std::abort();
    return 0;
  }
  if (parsed->default_image_name.empty() || vm::to_string(parsed->storage) == "unknown") std::abort();
  const auto& sizes = parsed->vm_defaults;
  if (sizes.vcpus.value_or(1) < 1 || sizes.vcpus.value_or(1) > limits::kMaxVcpus) std::abort();
  if (sizes.memory_bytes.value_or(limits::kMinMemoryBytes) < limits::kMinMemoryBytes) std::abort();
  if (sizes.disk_bytes.value_or(limits::kMinDiskBytes) > limits::kMaxDiskBytes) std::abort();
  return 0;
}
