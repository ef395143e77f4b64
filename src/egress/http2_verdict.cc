// A request of HTTP/2 is judged as one of HTTP/1 that means the same (RFC 9113, section 8.3.1). So there is one reading
// of hosts, and one rule.
#include <algorithm>

#include "egress/verdict.h"

namespace banger::egress {

namespace {

/// The value of a pseudo-header field. HTTP/2 has each of them once at most.
std::string_view value_of(const std::vector<HttpField>& fields, std::string_view name) {
  auto at = std::ranges::find(fields, name, &HttpField::name);
  return at == fields.end() ? std::string_view() : std::string_view(at->value);
}

// A target without its path is no target. `*` is one only for OPTIONS.
bool has_target(const HttpHead& head, std::string_view path) {
  return path.starts_with('/') || (path == "*" && head.method == "OPTIONS");
}

std::string target_of(const std::vector<HttpField>& fields, const std::string& authority) {
  auto path = value_of(fields, ":path");
  return std::string(value_of(fields, ":scheme")) + "://" + authority + std::string(path == "*" ? "" : path);
}

}  // namespace

Verdict judge_inside_tls(const std::string& sni, Destination to, const std::vector<HttpField>& fields) {
  HttpHead head{.method = std::string(value_of(fields, ":method"))};
  std::string authority(value_of(fields, ":authority")), protocol(value_of(fields, ":protocol"));
  for (const auto& field : fields)
    if (!field.name.starts_with(':')) head.fields.push_back(field);
  bool has_host = std::ranges::find(head.fields, "host", &HttpField::name) != head.fields.end();
  if (!has_host) head.fields.push_back({"host", authority});
  if (authority.empty()) authority = value_of(head.fields, "host");
  bool tunnels = head.method == "CONNECT" && protocol.empty();
  if (tunnels) return {.reason = Reason::not_a_proxy, .name = sni};
  // A WebSocket has the target of a GET. Other protocols could have hosts of their own.
  if (!protocol.empty()) {
    if (head.method != "CONNECT") return {.reason = Reason::not_http, .name = sni};
    head.fields.push_back({"upgrade", protocol});
    head.method = "GET";
  }
  // In a target, these would end the authority.
  bool sound = authority.find_first_of("/?#") == authority.npos && has_target(head, value_of(fields, ":path"));
  head.target = target_of(fields, authority);
  auto state = sound && finish_head(head) == HeadFault::none ? HeadState::found : HeadState::refused;
  return judge_inside_tls(sni, to, state, head);
}

}  // namespace banger::egress
