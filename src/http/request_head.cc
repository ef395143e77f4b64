#include "http/request_head.h"

#include <fmt/format.h>

#include "base/text.h"

namespace banger::http {

namespace {

// Fields that describe the connection are the client's own.
constexpr const char* kOwn[] = {"Host", "Content-Length", "Connection", "Transfer-Encoding", "Proxy-Authorization"};

bool has_body(const Request& request) {
  return body_bytes(request) > 0 || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
}

std::string write_fields(const Headers& headers) {
  std::string text;
  for (const auto& [name, value] : headers.fields()) text += fmt::format("{}: {}\r\n", name, value);
  return text + "\r\n";
}

}  // namespace

std::uint64_t body_bytes(const Request& request) {
  return request.file ? request.file->size_bytes : request.body.size();
}

Result<> check(const Request& request) {
  if (!is_token(request.method) || request.method == "CONNECT")
    return fail(ErrorCode::invalid, fmt::format("'{}' is no method of a request", printable(request.method)));
  if (auto same = TRY(parse_url(to_string(request.url))); same != request.url)
    return fail(ErrorCode::invalid, "the URL of the request is malformed");
  return check(request.headers);
}

std::string request_head(const Request& request, const std::string& user_agent,
                         const std::optional<Proxy>& plain_proxy) {
  auto headers = request.headers;
  for (auto* name : kOwn) headers.remove(name);
  if (!headers.find("User-Agent")) headers.add("User-Agent", user_agent);
  if (has_body(request)) headers.add("Content-Length", fmt::format("{}", body_bytes(request)));
  if (plain_proxy && !plain_proxy->authorization.empty())
    headers.add("Proxy-Authorization", plain_proxy->authorization);
  auto target = plain_proxy ? to_string(request.url) : request.url.target;
  return fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, target, host_and_port(request.url)) +
         write_fields(headers);
}

std::string tunnel_head(const Url& url, const std::string& user_agent, const Proxy& proxy) {
  auto host = url.host.find(':') == url.host.npos ? url.host : "[" + url.host + "]";
  Headers headers{{"User-Agent", user_agent}};
  if (!proxy.authorization.empty()) headers.add("Proxy-Authorization", proxy.authorization);
  return fmt::format("CONNECT {0}:{1} HTTP/1.1\r\nHost: {0}:{1}\r\n", host, url.port) + write_fields(headers);
}

}  // namespace banger::http
