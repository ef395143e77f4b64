// Docker's config.json and containers' auth.json: logins of registries. Pure. Errors never contain a value of the file.
// Sources: docs of `docker login`, containers-auth.json(5).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "image/oci/reference.h"

namespace banger::image::oci {

/// What a user knows to log in to a registry. All members empty: nothing.
struct Login {
  std::string username, password;
  std::string identity_token;  ///< a refresh token for the registry's token server; comes in place of a password
  bool empty() const { return username.empty() && password.empty() && identity_token.empty(); }
  bool operator==(const Login&) const = default;
};

struct DockerConfig {
  std::map<std::string, Login> logins;         ///< by "docker.io", "host:5000" or "host:5000/team"
  std::map<std::string, std::string> helpers;  ///< the same keys, with the last part of a helper's name: "pass"
  std::string store;                           ///< the helper for all other registries; may be empty

  /// The login whose key fits best: the repository's, then that of each directory above it, then the registry's.
  const Login* login_for(const Reference& reference) const;
  /// The last part of the helper's name, or "".
  std::string helper_for(const Reference& reference) const;
};

/// `invalid` for what is no such file. Unknown members are ignored, because the file has other uses.
Result<DockerConfig> parse_docker_config(std::string_view text);

/// What a helper prints for `get`: `{"Username", "Secret"}`. The user name "<token>" means an identity token.
Result<Login> parse_helper_login(std::string_view text);

/// What a helper is asked for: the registry, or Docker's own URL for docker.io.
std::string helper_key(std::string_view registry);

}  // namespace banger::image::oci
