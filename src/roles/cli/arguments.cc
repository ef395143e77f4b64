#include "roles/cli/arguments.h"

#include <filesystem>

namespace banger::roles::cli {

std::string absolute_path(const std::string& path) {
  std::error_code error;
  auto absolute = std::filesystem::absolute(path, error).lexically_normal();
  return error ? path : absolute.string();
}

}  // namespace banger::roles::cli
