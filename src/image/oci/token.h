// Logging in to a registry: from the challenge of a refused request to the header of the next one. Pure.
// Sources: the token specification of github.com/distribution/distribution, RFC 9110 section 11, RFC 7617.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "host/runtime.h"
#include "http/challenge.h"
#include "http/client.h"
#include "image/oci/docker_config.h"
#include "image/oci/reference.h"

namespace banger::image::oci {

/// The value of an Authorization header, and until when it is good.
struct Token {
  std::string authorization;
  host::Deadline expires = host::Deadline::max();
};

/// "Basic …". REQUIRES: a user name.
std::string basic_authorization(const Login& login);

/// The bearer challenge of a response with the status 401, or else the basic one. `unsupported` for others.
Result<http::Challenge> choose_challenge(const http::Headers& headers);

/// The request to the token server that the challenge names: GET, with basic authorization if there is a login. With an
/// identity token, an OAuth2 POST. `invalid` when the challenge has no usable realm.
Result<http::Request> token_request(const http::Challenge& challenge, const Reference& reference, const Login& login);

/// The answer of the token server. `invalid` when there is no usable token in it.
Result<Token> parse_token(std::string_view json, host::Deadline now);

}  // namespace banger::image::oci
