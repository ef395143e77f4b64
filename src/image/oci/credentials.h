// Finds the login for a registry where other tools keep logins. Reads files, and runs credential helpers.
#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "host/paths.h"
#include "host/runtime.h"
#include "image/oci/docker_config.h"

namespace banger::image::oci {

/// Whose logins are used: those of the user that the daemon runs as.
struct CredentialSources {
  host::GetEnv env;
  std::string home;                      ///< for ~/.docker/config.json
  std::vector<std::string> environment;  ///< of helpers, NAME=VALUE; it has the PATH to find them
};

/// The files that may have logins, the first one first. $REGISTRY_AUTH_FILE stands alone. Otherwise Docker's file is
/// before $XDG_RUNTIME_DIR/containers/auth.json.
std::vector<std::string> credential_files(const CredentialSources& sources);

/// An empty login when no file has one. `invalid` or `denied` for a file that is broken or cannot be read; the error
/// names the file. `unavailable` or `timeout` for a helper that is missing or fails. Errors contain no secrets.
Task<Result<Login>> find_login(host::Runtime& runtime, const CredentialSources& sources, Reference reference,
                               host::Cancel& cancel);

}  // namespace banger::image::oci
