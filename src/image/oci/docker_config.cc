#include "image/oci/docker_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/base64.h"
#include "base/json.h"
#include "base/letters.h"
#include "base/text.h"
#include "image/oci/bounds.h"

namespace banger::image::oci {

namespace {

/// Keys are hosts, repositories, or URLs like "https://index.docker.io/v1/", of which only the host counts.
std::string plain_key(std::string_view given) {
  auto small = lower(given);  // as in keys_of()
  std::string_view key = small;
  auto scheme = key.find("://");
  bool url = scheme != key.npos;
  if (url) key.remove_prefix(scheme + 3);
  auto slash = key.find('/');
  auto host = key.substr(0, slash);
  if (host == "index.docker.io" || host == "registry-1.docker.io") return std::string(kDockerHub);
  if (url) return std::string(host);
  while (key.ends_with('/')) key.remove_suffix(1);
  return std::string(key);
}

Result<Login> decode_auth(std::string_view auth) {
  auto bytes = from_base64(auth);
  auto colon = bytes ? bytes->find(':') : std::string::npos;
  if (!bytes || colon == bytes->npos)
    return fail(ErrorCode::invalid, "field 'auth' is not the base64 of USER:PASSWORD", "log in again");
  // Old files have zero bytes behind the password.
  bytes->erase(std::min(bytes->find('\0'), bytes->size()));
  return Login{.username = bytes->substr(0, colon), .password = bytes->substr(colon + 1), .identity_token = {}};
}

Result<Login> read_login(const Json& json) {
  if (!json.is_object()) return fail(ErrorCode::invalid, "must be an object");
  Login login;
  if (auto auth = TRY(find_string(json, "auth")).value_or(""); !auth.empty()) login = TRY(decode_auth(auth));
  if (auto name = TRY(find_string(json, "username")).value_or(""); !name.empty()) login.username = std::move(name);
  if (auto word = TRY(find_string(json, "password")).value_or(""); !word.empty()) login.password = std::move(word);
  login.identity_token = TRY(find_string(json, "identitytoken")).value_or("");
  return login;
}

Result<> check_helper_name(std::string_view name) {
  // The name becomes part of a program's name. With a slash, the program could be anywhere.
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (!name.empty() && name.size() <= 64 && name.find_first_not_of(kLetters) == name.npos) return {};
  return fail(ErrorCode::invalid, fmt::format("'{}' is not the name of a credential helper", printable(name, 80)),
              "write 'pass' for the program docker-credential-pass");
}

Result<const Json*> object_field(const Json& json, std::string_view key) {
  const Json* field = find_field(json, key);
  if (field && !field->is_object()) return fail(ErrorCode::invalid, fmt::format("field '{}' must be an object", key));
  return field;
}

/// "host/a/b", "host/a", "host", in small letters.
std::vector<std::string> keys_of(const Reference& reference) {
  std::vector<std::string> keys;
  auto name = lower(reference.name());
  for (auto end = name.size(); end != name.npos; end = name.rfind('/', end - 1)) keys.push_back(name.substr(0, end));
  return keys;
}

}  // namespace

const Login* DockerConfig::login_for(const Reference& reference) const {
  for (const auto& key : keys_of(reference))
    if (auto found = logins.find(key); found != logins.end()) return &found->second;
  return nullptr;
}

std::string DockerConfig::helper_for(const Reference& reference) const {
  for (const auto& key : keys_of(reference))
    if (auto found = helpers.find(key); found != helpers.end()) return found->second;
  return store;
}

Result<DockerConfig> parse_docker_config(std::string_view text) {
  auto json = TRY(parse_json(text, limits::kDockerConfigBytes));
  if (!json.is_object()) return fail(ErrorCode::invalid, "must be a JSON object");
  DockerConfig config;
  if (const Json* auths = TRY(object_field(json, "auths")))
    for (const auto& [key, value] : auths->items()) {
      auto login = TRY(in(fmt::format("field 'auths', '{}'", printable(key, 120)), read_login(value)));
      // Entries without a login stand for one that a helper has.
      if (!login.empty()) config.logins.insert_or_assign(plain_key(key), std::move(login));
    }
  if (const Json* helpers = TRY(object_field(json, "credHelpers")))
    for (const auto& [key, value] : helpers->items()) {
      auto context = fmt::format("field 'credHelpers', '{}'", printable(key, 120));
      if (!value.is_string()) return fail(ErrorCode::invalid, context + ": must be a string");
      TRY(in(context, check_helper_name(value.get<std::string>())));
      config.helpers.insert_or_assign(plain_key(key), value.get<std::string>());
    }
  config.store = TRY(find_string(json, "credsStore")).value_or("");
  if (!config.store.empty()) TRY(in("field 'credsStore'", check_helper_name(config.store)));
  return config;
}

Result<Login> parse_helper_login(std::string_view text) {
  auto json = TRY(parse_json(text, limits::kHelperLoginBytes));
  auto name = TRY(get_string(json, "Username"));
  auto secret = TRY(get_string(json, "Secret"));
  if (name == "<token>") return Login{.username = {}, .password = {}, .identity_token = std::move(secret)};
  return Login{.username = std::move(name), .password = std::move(secret), .identity_token = {}};
}

std::string helper_key(std::string_view registry) {
  return registry == kDockerHub ? "https://index.docker.io/v1/" : std::string(registry);
}

}  // namespace banger::image::oci
