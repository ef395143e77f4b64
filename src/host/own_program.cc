#include "host/own_program.h"

#include <unistd.h>

#include <string_view>

namespace banger::host {

std::string own_program() {
  constexpr std::string_view kDeleted = " (deleted)";  // proc(5)
  char path[4096];
  auto length = ::readlink("/proc/self/exe", path, sizeof path);
  std::string program(path, length > 0 ? static_cast<std::size_t>(length) : 0);
  if (program.ends_with(kDeleted)) program.resize(program.size() - kDeleted.size());
  return program;
}

}  // namespace banger::host
