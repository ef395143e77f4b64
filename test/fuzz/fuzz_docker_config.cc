// Fuzzes the files with logins: any bytes are refused, or give logins whose keys are never empty URLs.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "image/oci/docker_config.h"

using namespace banger::image::oci;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_helper_login(text);
  auto config = parse_docker_config(text);
  if (!config) return 0;
  for (const auto& [key, login] : config->logins)
    if (login.empty() || key.find("://") != key.npos) std::abort();
  for (const auto& [key, helper] : config->helpers)
    if (helper.empty() || helper.find('/') != helper.npos) std::abort();
  return 0;
}
