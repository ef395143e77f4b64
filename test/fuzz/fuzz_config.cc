// Fuzzes the config file: any bytes give a Config within its bounds, or an error that names a line.
#include <cstdlib>
#include <string_view>

#include "base/bounds.h"
#include "base/text.h"
#include "config/config.h"
#include "vm/bounds.h"

namespace {

// Whatever the file has, the paths cannot lead out of the guest's home.
void check(const banger::config::FileSync& entry) {
  std::string_view host = entry.host, guest = entry.guest;
  if (!host.starts_with('/') && !host.starts_with("~/")) std::abort();
  if (guest.empty() || guest.starts_with('/') || guest.ends_with('/')) std::abort();
  for (auto path : {host, guest})
    for (auto part : banger::split(path, '/'))
      if (part == ".." || part.find_first_of(std::string_view("\0\r\n", 3)) != part.npos) std::abort();
  if (entry.mode.value_or(0) > 0777) std::abort();
}

}  // namespace

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
  if (parsed->file_sync.size() > limits::kFileSyncEntries) std::abort();
  for (const auto& entry : parsed->file_sync) check(entry);
  if (sizes.disk_bytes.value_or(limits::kMinDiskBytes) > limits::kMaxDiskBytes) std::abort();
  return 0;
}
