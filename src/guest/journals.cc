#include "guest/journals.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string_view>

#include "base/text.h"

namespace banger::guest {

namespace {

constexpr const char* kStored = "/var/log/journal";
constexpr const char* kVolatile = "/run/log/journal";

// The header of a journal, whose layout never changes: "Journal File Format" of systemd's documentation.
constexpr std::string_view kSignature = "LPKSHHRH";
constexpr off_t kMachineIdOffset = 40;
constexpr std::size_t kMachineIdBytes = 16;

std::string read_at(int fd, off_t offset, std::size_t count) {
  std::string bytes(count, '\0');
  ssize_t got = ::pread(fd, bytes.data(), count, offset);
  bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return bytes;
}

Result<> adopt(int directory, const std::string& name, const std::string& id) {
  UniqueFd file(::openat(directory, name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  struct stat info{};
  if (!file || ::fstat(file.get(), &info) < 0 || !S_ISREG(info.st_mode)) return {};
  if (read_at(file.get(), 0, kSignature.size()) != kSignature) return {};
  auto owner = read_at(file.get(), kMachineIdOffset, kMachineIdBytes);
  if (owner.size() != kMachineIdBytes || owner == id) return {};
  if (::pwrite(file.get(), id.data(), id.size(), kMachineIdOffset) < 0) return fail_errno(name);
  return {};
}

}  // namespace

Result<> rename_journals(const Root& root, const std::string& old_id, const std::string& new_id) {
  for (const char* directory : {kVolatile, kStored}) {
    auto there = root.open_path(directory, O_PATH | O_DIRECTORY);
    if (!there || ::renameat(there->get(), old_id.c_str(), there->get(), new_id.c_str()) < 0) continue;
    TRY(root.write_symlink(new_id, fmt::format("{}/{}", directory, old_id)));
  }
  return {};
}

Result<> adopt_journals(const Root& root, const std::string& id) {
  auto bytes = TRY(from_hex(id));
  auto directory = root.open_path(fmt::format("{}/{}", kStored, id), O_RDONLY | O_DIRECTORY);
  if (!directory) return {};
  std::error_code error;
  std::filesystem::directory_iterator entry(fd_path(directory->get()), error);
  for (std::filesystem::directory_iterator end; !error && entry != end; entry.increment(error))
    if (entry->path().extension() == ".journal")
      TRY(in(kStored, adopt(directory->get(), entry->path().filename().string(), bytes)));
  return {};
}

}  // namespace banger::guest
