// The SSH host key of a VM, in the VM's directory.
#pragma once

#include <string>

#include "base/result.h"

namespace banger::capabilities {

/// The file with the private half. The public half is beside it, with ".pub" at its end.
std::string host_key_path(const std::string& vm_directory);

/// "TYPE BASE64". `not_found` for a VM that was never started.
Result<std::string> public_host_key(const std::string& vm_directory);

}  // namespace banger::capabilities
