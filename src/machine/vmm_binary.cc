#include "machine/vmm_binary.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/bounds.h"

namespace banger::machine {

Result<std::string> find_vmm_binary(const VmmBinary& wanted) {
  std::string name = wanted.configured.empty() ? std::string(wanted.name) : wanted.configured;
  auto found = host::find_program(name, wanted.path_variable);
  if (!found)
    return fail(ErrorCode::not_found, fmt::format("{} is not installed: not found in PATH", name),
                std::string(wanted.install_hint));
  if (::access(found->c_str(), X_OK) == 0) return *found;
  Error error = fail_errno(*found).error();
  return std::unexpected(std::move(error).with_hint(wanted.configured.empty()
                                                        ? std::string(wanted.install_hint)
                                                        : fmt::format("check {} in the config", wanted.config_key)));
}

Task<Result<std::optional<std::string>>> ask_binary(host::Runtime& runtime, std::vector<std::string> argv,
                                                    std::function<void(host::SpawnSpec&)> confine) {
  host::SpawnSpec spec{.argv = std::move(argv), .env = {"LC_ALL=C"}, .cwd = "/", .dies_with_starter = true};
  if (confine) confine(spec);
  auto output = CO_TRY(co_await host::run_command(runtime, std::move(spec), host::after(limits::kVmmProbeDeadline)));
  if (output.status.shell_code() != 0) co_return std::nullopt;
  co_return std::move(output.out);
}

std::string file_key(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) < 0) return path;
  return fmt::format("{} {} {}.{}", path, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

}  // namespace banger::machine
