#include "image/oci/token.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/json.h"
#include "base/text.h"
#include "image/oci/bounds.h"

namespace banger::image::oci {

namespace {

constexpr std::string_view kUnreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (char c : text)
    if (kUnreserved.find(c) != kUnreserved.npos)
      encoded += c;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return encoded;
}

using Fields = std::vector<std::pair<std::string_view, std::string>>;

std::string form(const Fields& fields) {
  std::string text;
  for (const auto& [name, value] : fields)
    if (!value.empty()) text += fmt::format("{}{}={}", text.empty() ? "" : "&", name, percent_encoded(value));
  return text;
}

std::string parameter(const http::Challenge& challenge, std::string_view name) {
  const auto* value = challenge.find(name);
  return value ? *value : "";
}

bool fits_a_header(std::string_view token) {
  return !token.empty() && token.size() <= limits::kTokenBytes &&
         std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

std::string basic_authorization(const Login& login) {
  return "Basic " + to_base64(fmt::format("{}:{}", login.username, login.password));
}

Result<http::Challenge> choose_challenge(const http::Headers& headers) {
  std::vector<http::Challenge> all;
  for (const auto& header : headers.all("WWW-Authenticate"))
    for (auto& challenge : TRY(http::parse_challenges(header))) all.push_back(std::move(challenge));
  for (std::string_view scheme : {"bearer", "basic"})
    if (const auto* found = http::find_challenge(all, scheme)) return *found;
  if (all.empty()) return fail(ErrorCode::denied, "the registry refuses the request, and offers no way to log in");
  return fail(ErrorCode::unsupported,
              fmt::format("the registry wants a login of the kind '{}'", printable(all[0].scheme, 40)),
              "banger knows Bearer and Basic");
}

Result<http::Request> token_request(const http::Challenge& challenge, const Reference& reference, const Login& login) {
  auto realm = parameter(challenge, "realm");
  http::Request request{.url = TRY(in("the registry's token server", http::parse_url(realm)))};
  auto scope = parameter(challenge, "scope");
  if (scope.empty()) scope = fmt::format("repository:{}:pull", reference.repository);
  Fields fields{{"service", parameter(challenge, "service")}, {"scope", scope}};
  if (!login.identity_token.empty()) {
    fields.insert(fields.begin(), {{"grant_type", "refresh_token"}, {"client_id", "banger"}});
    fields.push_back({"refresh_token", login.identity_token});
    request.method = "POST";
    request.headers.set("Content-Type", "application/x-www-form-urlencoded");
    request.body = form(fields);
    return request;
  }
  if (!login.username.empty()) {
    fields.push_back({"account", login.username});
    request.headers.set("Authorization", basic_authorization(login));
  }
  bool has_query = request.url.target.find('?') != std::string::npos;
  request.url.target += (has_query ? "&" : "?") + form(fields);
  return request;
}

Result<Token> parse_token(std::string_view text, host::Deadline now) {
  auto json = TRY(parse_json(text, limits::kTokenAnswerBytes));
  auto token = TRY(find_string(json, "token")).value_or("");
  if (token.empty()) token = TRY(find_string(json, "access_token")).value_or("");
  if (!fits_a_header(token)) return fail(ErrorCode::invalid, "its answer has no token that can be sent");
  auto seconds = TRY(find_int(json, "expires_in")).value_or(limits::kTokenLife.count());
  std::chrono::milliseconds life =
      std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, limits::kTokenLifeMost.count()));
  auto margin = std::min<std::chrono::milliseconds>(limits::kTokenMargin, life / 2);
  return Token{.authorization = "Bearer " + token, .expires = now + life - margin};
}

}  // namespace banger::image::oci
