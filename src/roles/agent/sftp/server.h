// The server of SFTP: requests on one descriptor, answers on another.
#pragma once

#include <string>

namespace banger::roles::agent::sftp {

/// Serves until the client's bytes end, or until a message has an impossible length. `home` is where "~" leads.
void serve(int in, int out, const std::string& home);

}  // namespace banger::roles::agent::sftp
