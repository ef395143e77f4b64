#include "roles/agent/own_program.h"

#include <filesystem>

namespace banger::roles::agent {

Result<std::string> own_program() {
  std::error_code error;
  auto program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (error) return fail_errno("find the agent's own file", error.value());
  return program;
}

}  // namespace banger::roles::agent
