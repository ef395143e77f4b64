#include "capabilities/ssh/host_key.h"

#include "capabilities/bounds.h"
#include "host/files.h"
#include "host/ssh_public_key.h"

namespace banger::capabilities {

std::string host_key_path(const std::string& vm_directory) { return vm_directory + "/host_key"; }

Result<std::string> public_host_key(const std::string& vm_directory) {
  auto path = host_key_path(vm_directory) + ".pub";
  return in(path, host::read_public_key(TRY(host::read_file(path, limits::kSshKeyFileBytes))));
}

}  // namespace banger::capabilities
