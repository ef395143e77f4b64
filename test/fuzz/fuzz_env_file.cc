// Fuzzes files of variables: any bytes are refused with a sentence, or give names that a program can have.
#include <cstdint>
#include <cstdlib>

#include "roles/cli/env_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::map<std::string, std::string> values;
  auto added = banger::roles::cli::add_env_file(text, [](const std::string&) { return std::nullopt; }, values);
  if (!added && added.error().message.empty()) std::abort();
  for (const auto& [name, value] : values)
    if (name.empty() || name.find('=') != name.npos || value.find('\n') != value.npos) std::abort();
  return 0;
}
