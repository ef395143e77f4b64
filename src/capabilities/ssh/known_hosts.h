// banger's own known_hosts, with the host keys of VMs. A file of ssh's format (sshd(8), SSH_KNOWN_HOSTS), in which each
// line belongs to one VM and one port. Never the user's known_hosts.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/paths.h"

namespace banger::capabilities {

struct KnownHost {
  std::string id;                  ///< of the VM
  std::vector<std::string> names;  ///< other names that ssh may have for the VM, without ".vm"
  std::uint16_t port = 22;
  std::string key;  ///< "TYPE BASE64"
};

/// Whether a VM of this id exists.
using IsVm = std::function<bool(const std::string& id)>;

/// `text` with the line of that VM and port. Lines of VMs that are gone, and lines with one of its names, are left out.
/// So a new VM may have the name of an old one. Pure.
std::string with_known_host(std::string_view text, const KnownHost& host, const IsVm& is_vm);

std::string known_hosts_path(const host::Paths& paths);
/// Makes the file say so. Readers never see half a file. Call this on the control thread only, because it reads and
/// writes the file.
Result<> remember_host(const host::Paths& paths, const KnownHost& host, const IsVm& is_vm);

}  // namespace banger::capabilities
