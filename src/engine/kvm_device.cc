#include "engine/kvm_device.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/text.h"
#include "engine/bounds.h"
#include "host/files.h"

namespace banger::engine {

namespace {

// group(5): name:password:gid:members
std::string name_of_group(gid_t gid) {
  auto text = host::read_file("/etc/group", limits::kGroupFileBytes).value_or("");
  for (auto line : split(text, '\n')) {
    auto fields = split(line, ':');
    if (fields.size() > 2 && fields[2] == std::to_string(gid)) return std::string(fields[0]);
  }
  return std::to_string(gid);
}

}  // namespace

KvmDevice closed_kvm(mode_t mode, std::string_view group) {
  KvmDevice device{.state = KvmDevice::State::closed, .reason = "this user may not open /dev/kvm", .hint = ""};
  if ((mode & 060) == 060 && group != "root")
    device.hint = fmt::format("as root: usermod -aG {} USER; log in again, then banger daemon stop", group);
  else
    device.hint =
        "only root may open it. As root: chgrp kvm /dev/kvm; chmod 660 /dev/kvm; usermod -aG kvm USER. Log in again, "
        "then banger daemon stop. A udev rule with GROUP=\"kvm\" keeps that after a reboot";
  return device;
}

KvmDevice find_kvm(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) < 0)
    return {.state = KvmDevice::State::absent,
            .reason = "this host has no /dev/kvm",
            .hint = "modprobe kvm_intel or kvm_amd, as root; in a VM, its host must allow nested virtualisation"};
  if (::access(path.c_str(), R_OK | W_OK) == 0) return {.state = KvmDevice::State::open, .reason = "", .hint = ""};
  return closed_kvm(info.st_mode, name_of_group(info.st_gid));
}

}  // namespace banger::engine
