// Runs a check in a child process, as root of new mount, network and UTS namespaces. So guest code that mounts file
// systems or configures links is tested with the real kernel, without changes to this host.
#pragma once

#include <functional>
#include <string>

namespace banger::test {

/// Whether this host permits these namespaces, either as root or with unprivileged user namespaces.
bool sandbox_available();

/// Returns the text that `check` returns, where an empty string means success, or a text that says how the child died.
/// /run in the sandbox is an empty tmpfs.
std::string in_sandbox(const std::function<std::string()>& check);

}  // namespace banger::test
