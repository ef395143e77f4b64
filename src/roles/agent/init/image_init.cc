// Which init the mounted root has.
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "guest/bounds.h"
#include "roles/agent/init/boot.h"

namespace banger::roles::agent::init {

namespace {

class MountedFiles : public guest::RootFiles {
 public:
  explicit MountedFiles(const guest::Root& root) : root_(root) {}

  std::string program_name(const std::string& path) const override {
    auto fd = root_.open_path(path, O_PATH);
    struct stat info{};
    if (!fd || ::fstat(fd->get(), &info) < 0 || !S_ISREG(info.st_mode) || !(info.st_mode & 0111)) return "";
    std::error_code error;
    return std::filesystem::read_symlink(guest::fd_path(fd->get()), error).filename().string();
  }
  bool exists(const std::string& path) const override { return root_.exists(path); }
  std::optional<std::string> read(const std::string& path) const override {
    auto text = root_.read_file(path, limits::kInittabBytes);
    return text ? std::optional(std::move(*text)) : std::nullopt;
  }

 private:
  const guest::Root& root_;
};

}  // namespace

guest::Init find_init(const guest::Root& root) { return guest::find_init(MountedFiles(root)); }

}  // namespace banger::roles::agent::init
