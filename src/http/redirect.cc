#include "http/redirect.h"

#include <fmt/format.h>

#include <algorithm>

namespace banger::http {

namespace {

constexpr int kRedirectStatuses[] = {301, 302, 303, 307, 308};
constexpr const char* kCredentials[] = {"Authorization", "Cookie", "Proxy-Authorization"};

bool becomes_get(int status, const std::string& method) {
  if (method == "HEAD") return false;
  return status == 303 || ((status == 301 || status == 302) && method == "POST");
}

}  // namespace

bool is_redirect(const Response& response) {
  return std::ranges::find(kRedirectStatuses, response.status) != std::end(kRedirectStatuses) &&
         response.headers.find("Location");
}

Result<Request> redirected(const Request& request, const Response& response) {
  auto to = TRY(in("the server redirects elsewhere", resolve(request.url, response.headers.get("Location"))));
  if (to.scheme == "http" && (request.url.scheme == "https" || request.plain == Plain::refused))
    return fail(ErrorCode::denied,
                fmt::format("the server redirects to http://{}, which is not encrypted", host_and_port(to)));
  auto next = request;
  if (!same_origin(request.url, to))
    for (auto* name : kCredentials) next.headers.remove(name);
  if (becomes_get(response.status, request.method)) {
    next.method = "GET";
    next.body.clear();
    next.file.reset();
    next.headers.remove("Content-Type");
    next.headers.remove("Content-Range");
  }
  next.url = to;
  return next;
}

}  // namespace banger::http
