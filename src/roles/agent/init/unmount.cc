#include "roles/agent/init/unmount.h"

#include <fmt/format.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "guest/boot_memory.h"
#include "host/files.h"
#include "roles/agent/bounds.h"
#include "roles/agent/init/boot.h"

namespace banger::roles::agent::init {

namespace {

/// The kernel writes space, tab, line break and backslash as three octal digits (proc(5)).
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool escape = text[i] == '\\' && i + 3 < text.size();
    plain +=
        escape ? static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')) : text[i];
    if (escape) i += 3;
  }
  return plain;
}

bool is_below(std::string_view path, std::string_view directory) {
  return path == directory || directory == "/" ||
         (path.starts_with(directory) && path.substr(directory.size()).starts_with('/'));
}

std::vector<std::string> left_below(const std::string& directory) {
  return mounts_below(host::read_file("/proc/self/mountinfo", limits::kMountInfoBytes).value_or(""), directory);
}

}  // namespace

std::vector<std::string> mounts_below(std::string_view mountinfo, std::string_view directory) {
  std::vector<std::string> targets;
  for (std::string_view line : split(mountinfo, '\n')) {
    auto fields = split(line, ' ');
    if (fields.size() < 5) continue;
    auto target = unescape(fields[4]);
    if (is_below(target, directory)) targets.push_back(std::move(target));
  }
  std::reverse(targets.begin(), targets.end());
  return targets;
}

bool unmount_tree(const std::string& directory) {
  auto targets = left_below(directory);
  for (int round = 0; round < limits::kUnmountRounds && !targets.empty(); ++round) {
    auto unmounted = [](const std::string& target) { return ::umount2(target.c_str(), UMOUNT_NOFOLLOW) == 0; };
    if (std::count_if(targets.begin(), targets.end(), unmounted) == 0) break;
    targets = left_below(directory);
  }
  for (const auto& target : targets) {
    ::mount(nullptr, target.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr);
    say(fmt::format("cannot unmount {}", printable(target)));
  }
  return targets.empty();
}

void unmount_disks() {
  ::sync();
  auto text = host::read_file("/proc/self/mountinfo", limits::kMountInfoBytes).value_or("");
  for (const auto& target : mounts_below(text, "/")) {
    if (target == "/" || target == guest::kSystemDisk || target.starts_with("/proc") || target.starts_with("/dev"))
      continue;
    ::umount2(target.c_str(), 0);
  }
  // The overlay keeps its layers busy. So the overlay and the upper layer can only become read-only, the upper layer
  // last.
  ::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_RDONLY, nullptr);
  ::mount(nullptr, guest::kSystemDisk, nullptr, MS_REMOUNT | MS_RDONLY, nullptr);
  ::sync();
}

}  // namespace banger::roles::agent::init
