// What a redirect makes of a request (RFC 9110, section 15.4). Pure.
#pragma once

#include "http/client.h"

namespace banger::http {

/// Whether the status is a redirect with a Location.
bool is_redirect(const Response& response);

/// The request that follows `response`. Credentials are left out from here on when the origin is another one. 303
/// becomes GET, and 301 and 302 become GET where the method was POST. `denied` for a redirect from https to http, and
/// for any redirect to http when plain HTTP is refused. Other errors are those of parse_url.
Result<Request> redirected(const Request& request, const Response& response);

}  // namespace banger::http
