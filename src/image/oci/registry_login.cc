// Registry: how it logs in.
#include <fmt/format.h>

#include "base/base64.h"
#include "host/files.h"
#include "image/oci/bounds.h"
#include "image/oci/registry.h"

namespace banger::image::oci {

namespace {

/// Base64 has no spaces, so two logins never make one text.
std::string key_of(const Login& login) {
  return host::sha256_hex(
      fmt::format("{} {} {}", to_base64(login.username), to_base64(login.password), to_base64(login.identity_token)));
}

/// Not an answer of a token server, so the image is not to blame.
bool is_elsewhere(int status) { return status != 401 && status != 403 && status != 429 && status < 500; }

std::unexpected<Error> no_token_server(const std::string& registry, const http::Response& response) {
  return fail(ErrorCode::unavailable,
              fmt::format("it is no token server: it answered {}", http::status_text(response.status)),
              fmt::format("registry {} names a wrong address for logins (its realm); ask who runs it", registry));
}

}  // namespace

bool TokenCache::has(const std::string& repository) const {
  auto first = tokens_.lower_bound({repository, ""});
  return first != tokens_.end() && first->first.first == repository;
}

void TokenCache::put(const std::string& repository, const Login& login, Token token) {
  // Otherwise each login of the past would stay in memory.
  std::erase_if(tokens_, [](const auto& each) { return each.second.expires <= host::Clock::now(); });
  tokens_.insert_or_assign({repository, key_of(login)}, std::move(token));
}

std::string TokenCache::authorization(const std::string& repository, const Login& login) const {
  auto found = tokens_.find({repository, key_of(login)});
  return found != tokens_.end() && host::Clock::now() < found->second.expires ? found->second.authorization : "";
}

Task<Result<>> Registry::read_login() {
  if (!login_) login_ = CO_TRY(co_await find_login(parts_.runtime, parts_.credentials, reference_, cancel_));
  co_return Result<>();
}

Task<Result<std::string>> Registry::known_authorization() {
  // A registry that never asks for a login needs none, and a credential helper may ask a person.
  if (!parts_.tokens.has(reference_.name())) co_return "";
  auto turn = co_await logging_in_.lock();
  CO_TRY(co_await read_login());
  co_return parts_.tokens.authorization(reference_.name(), *login_);
}

Task<Result<std::string>> Registry::log_in(http::Response response, std::string used) {
  auto turn = co_await logging_in_.lock();
  CO_TRY(co_await read_login());
  // Another request of this pull may have logged in meanwhile.
  auto now = parts_.tokens.authorization(reference_.name(), *login_);
  if (!now.empty() && now != used) co_return now;
  auto challenge = CO_TRY(in(fmt::format("log in to {}", reference_.registry), choose_challenge(response.headers)));
  if (challenge.scheme == "bearer") {
    auto token = CO_TRY(co_await fetch_token(std::move(challenge)));
    parts_.tokens.put(reference_.name(), *login_, token);
    co_return std::move(token.authorization);
  }
  bool refused_before = login_->username.empty() || used == basic_authorization(*login_);
  if (refused_before) co_return status_error(response, refusal(reference_.canonical()));
  auto authorization = basic_authorization(*login_);
  parts_.tokens.put(reference_.name(), *login_,
                    {.authorization = authorization, .expires = host::after(limits::kBasicLoginLife)});
  co_return authorization;
}

Task<Result<Token>> Registry::fetch_token(http::Challenge challenge) {
  auto context = fmt::format("log in to {}", reference_.registry);
  auto request = CO_TRY(in(context, token_request(challenge, reference_, *login_)));
  auto registry = CO_TRY(co_await find_base());
  CO_TRY(in(context, check_server(registry, request.url, parts_.insecure)));
  request.plain = request.url.scheme == "http" ? http::Plain::allowed : http::Plain::refused;
  request.redirects = http::Redirects::show;
  request.max_body_bytes = limits::kTokenAnswerBytes;
  request.deadlines.whole = host::after(limits::kDocumentDeadline);
  request.cancel = &cancel_;
  auto server = http::host_and_port(request.url);
  // The body of a POST has the identity token, and a redirect would carry it to another server.
  auto response = CO_TRY(
      in(context, request.method == "POST" ? co_await transfer(request, nullptr) : co_await follow(request, nullptr)));
  if (response.status == 200)
    co_return in(fmt::format("{}: token server {}", context, server), parse_token(response.body, host::Clock::now()));
  if (response.status == 400) response.status = 401;  // OAuth2 refuses a refresh token so (RFC 6749, section 5.2)
  if (is_elsewhere(response.status))
    co_return in(fmt::format("{}: token server {}", context, server),
                 Result<Token>(no_token_server(reference_.registry, response)));
  co_return in(fmt::format("{}: token server {}", context, server),
               Result<Token>(status_error(response, refusal(reference_.canonical()))));
}

}  // namespace banger::image::oci
