#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <vector>

#include "host/files.h"
#include "roles/agent/init/boot.h"

namespace banger::roles::agent::init {

namespace {

Result<> load(const std::string& path) {
  auto file = TRY(host::open_file(path, O_RDONLY));
  // EEXIST: the module is loaded, or built into this kernel.
  if (::syscall(SYS_finit_module, file.get(), "", 0) < 0 && errno != EEXIST) return fail_errno(path);
  return {};
}

}  // namespace

int load_modules(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  int loaded = 0;
  for (const auto& path : paths) {
    auto result = load(path);
    if (result)
      ++loaded;
    else
      say("cannot load a module: " + result.error().sentence());
  }
  return loaded;
}

}  // namespace banger::roles::agent::init
