#include "image/oci/registry_error.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "image/oci/bounds.h"

namespace banger::image::oci {

namespace {

/// ": message" of `{"errors": [{"code", "message"}]}`, or "".
std::string own_message(const http::Response& response) {
  auto json = parse_json(response.body, limits::kRegistryErrorBytes);
  const Json* errors = json ? find_field(*json, "errors") : nullptr;
  if (!errors || !errors->is_array() || errors->empty()) return {};
  auto message = find_string((*errors)[0], "message");
  if (!message || !*message || (*message)->empty()) return {};
  return ": " + printable(**message, 200);
}

std::string docker_login(const Refusal& refusal) {
  return refusal.registry == "docker.io" ? "docker login" : fmt::format("docker login {}", refusal.registry);
}

std::unexpected<Error> refused(const Refusal& refusal, std::string message, std::string own) {
  auto hint = refusal.logged_in
                  ? fmt::format("the login may be wrong, expired or without this right: {}", docker_login(refusal))
                  : fmt::format("check the name; if the image is private, log in first: {}", docker_login(refusal));
  return fail(ErrorCode::denied, message + own, std::move(hint));
}

std::string pause_hint(const http::Response& response, const Refusal& refusal) {
  auto after = response.headers.get("Retry-After");
  auto wait = after.empty() ? std::string("wait a while") : fmt::format("wait {} seconds", printable(after, 40));
  if (!after.empty() && after.find_first_not_of("0123456789") != after.npos)
    wait = "wait until " + printable(after, 40);
  return refusal.logged_in ? wait : fmt::format("{}, or log in for a higher limit: {}", wait, docker_login(refusal));
}

}  // namespace

std::unexpected<Error> status_error(const http::Response& response, const Refusal& refusal) {
  const auto& [registry, what, logged_in] = refusal;
  auto own = own_message(response);
  switch (response.status) {
    case 401:
      return refused(refusal,
                     fmt::format("registry {} does not give {} to {}", registry, what,
                                 logged_in ? "this login" : "somebody without a login"),
                     own);
    case 403:
      return refused(refusal, fmt::format("registry {} forbids access to {}", registry, what), own);
    case 404:
      return fail(ErrorCode::not_found, fmt::format("registry {} has no {}{}", registry, what, own),
                  "check the name and the tag");
    case 429:
      return fail(ErrorCode::busy, fmt::format("registry {} allows no more requests now{}", registry, own),
                  pause_hint(response, refusal));
    default:
      break;
  }
  auto status = http::status_text(response.status);
  if (response.status >= 500)
    return fail(ErrorCode::unavailable, fmt::format("registry {} failed: {}{}", registry, status, own),
                "try again later; if this goes on, ask who runs the registry");
  return fail(ErrorCode::unavailable, fmt::format("registry {} answered {} for {}{}", registry, status, what, own),
              "check the address of the registry");
}

std::unexpected<Error> push_error(const http::Response& response, const Refusal& refusal, std::uint64_t size_bytes) {
  const auto& [registry, what, logged_in] = refusal;
  auto own = own_message(response);
  switch (response.status) {
    case 401:
    case 403:
      return fail(ErrorCode::denied,
                  fmt::format("registry {} does not accept {} from {}{}", registry, what,
                              logged_in ? "this login" : "somebody without a login", own),
                  logged_in ? fmt::format("the login may be wrong, expired or without the right to push: {}",
                                          docker_login(refusal))
                            : fmt::format("log in first: {}", docker_login(refusal)));
    case 405:
      return fail(ErrorCode::denied, fmt::format("registry {} accepts no pushes{}", registry, own),
                  "push to another registry");
    case 413:
      return fail(
          ErrorCode::exhausted,
          fmt::format("registry {} refuses {} of {} as too large{}", registry, what, format_size(size_bytes), own),
          "make the image smaller, or ask who runs the registry for a higher limit");
    case 507:
      return fail(ErrorCode::exhausted, fmt::format("registry {} is full{}", registry, own),
                  "ask who runs the registry");
    default:
      return status_error(response, refusal);
  }
}

}  // namespace banger::image::oci
