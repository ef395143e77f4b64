// Runs a check as root of fresh mount, network and UTS namespaces in a child process, so that guest code which mounts
// and configures links is tested with the real kernel and without harm. The child reports by text: empty is success.
#pragma once

#include <functional>
#include <string>

namespace banger::test {

/// Whether this host lets us make such namespaces (as root, or with unprivileged user namespaces).
bool sandbox_available();

/// "" when `check` gave "", else what it gave, or how the child died. /run in it is an empty tmpfs.
std::string in_sandbox(const std::function<std::string()>& check);

}  // namespace banger::test
