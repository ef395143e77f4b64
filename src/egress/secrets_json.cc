// The secrets of a guest as the daemon sends them.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "egress/bounds.h"
#include "egress/secrets.h"

namespace banger::egress {

namespace {

constexpr std::uint16_t kHttpsPort = 443;

bool is_word(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_printable(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

// A field's value has no other control characters (RFC 9110, section 5.5).
bool fits_field(std::string_view value) {
  return std::ranges::none_of(value,
                              [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; });
}

Result<SecretValue> value_in(const Json& json, const std::string& name) {
  const auto* field = find_field(json, "value");
  if (!field) return SecretValue();
  const auto* text = field->get_ptr<const std::string*>();
  auto wrong = [&](std::string_view what, std::string hint) {
    return fail(ErrorCode::invalid, fmt::format("the value of the secret {} {}", name, what), std::move(hint));
  };
  if (!text) return wrong("is not a text", "give it as a text");
  if (text->empty()) return wrong("is empty", "give it a value, or leave the secret out");
  if (text->size() > limits::kSecretBytes)
    return wrong("is too long", fmt::format("a value has at most {} bytes", limits::kSecretBytes));
  if (!fits_field(*text))
    return wrong("has a control character, such as the end of a line", "give one line without its end");
  return SecretValue(*text);
}

Result<Rule> host_in(const std::string& text, const std::string& name) {
  auto rule = TRY(in(fmt::format("host of the secret {}", name), parse_rule(text)));
  if (rule.kind == RuleKind::range)
    return fail(ErrorCode::invalid, fmt::format("the secret {} has an address in the place of a host", name),
                "name the host: a certificate is checked for a name");
  if (rule.ports == kAnyPort) rule.ports = {kHttpsPort, kHttpsPort};
  return rule;
}

Result<Secret> secret_in(const Json& json) {
  Secret secret{.name = TRY(get_string(json, "name")),
                .placeholder = TRY(get_string(json, "placeholder")),
                .value = {},
                .hosts = {}};
  if (!is_word(secret.name) || secret.name.size() > limits::kSecretNameBytes)
    return fail(ErrorCode::invalid, fmt::format("'{}' is no name for a secret", printable(secret.name)),
                "give the name of an environment variable");
  if (!is_printable(secret.placeholder) || secret.placeholder.size() > limits::kPlaceholderBytes)
    return fail(ErrorCode::invalid, fmt::format("the placeholder of the secret {} is no word", secret.name));
  secret.value = TRY(value_in(json, secret.name));
  auto hosts = TRY(find_strings(json, "hosts"));
  if (hosts.empty() || hosts.size() > limits::kSecretHosts)
    return fail(ErrorCode::invalid, fmt::format("the secret {} has {} hosts", secret.name, hosts.size()),
                fmt::format("name 1 to {}", limits::kSecretHosts));
  for (const auto& host : hosts) secret.hosts.push_back(TRY(host_in(host, secret.name)));
  return secret;
}

}  // namespace

Result<Secrets> Secrets::from_json(const Json* json) {
  Secrets made;
  if (!json) return made;
  if (!json->is_array() || json->size() > limits::kSecrets)
    return fail(ErrorCode::invalid, fmt::format("secrets are a list of at most {}", limits::kSecrets));
  for (const auto& entry : *json) {
    auto secret = TRY(secret_in(entry));
    for (const auto& other : made.secrets_)
      if (other.placeholder == secret.placeholder)
        return fail(ErrorCode::invalid,
                    fmt::format("the secrets {} and {} have one placeholder", other.name, secret.name),
                    "give each secret a name of its own");
    auto shorter = std::ranges::find_if(
        made.secrets_, [&](const Secret& other) { return other.placeholder.size() < secret.placeholder.size(); });
    made.secrets_.insert(shorter, std::move(secret));
  }
  return made;
}

}  // namespace banger::egress
