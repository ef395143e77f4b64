#include "vm/secret.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "guestcfg/environment.h"
#include "vm/bounds.h"

namespace banger::vm {

namespace {

constexpr std::string_view kPlaceholderBegin = "banger-secret-";
// Variables that decide which programs run and how, and those that lead programs to the guest's certificates.
constexpr std::string_view kTakenNames[] = {"BASH_ENV",
                                            "ENV",
                                            "HOME",
                                            "HOSTNAME",
                                            "IFS",
                                            "LANG",
                                            "LOGNAME",
                                            "NODE_EXTRA_CA_CERTS",
                                            "NODE_OPTIONS",
                                            "OLDPWD",
                                            "PATH",
                                            "PS1",
                                            "PWD",
                                            "PYTHONPATH",
                                            "REQUESTS_CA_BUNDLE",
                                            "SHELL",
                                            "SHLVL",
                                            "TERM",
                                            "TMPDIR",
                                            "TZ",
                                            "USER",
                                            "SSL_CERT_DIR",
                                            "SSL_CERT_FILE"};
constexpr std::string_view kTakenBegins[] = {"LD_", "LC_"};

bool is_taken(std::string_view name) {
  return std::ranges::find(kTakenNames, name) != std::end(kTakenNames) ||
         std::ranges::any_of(kTakenBegins, [&](auto begin) { return name.starts_with(begin); });
}

std::unexpected<Error> bad_name(std::string_view name, std::string_view why, std::string hint) {
  return fail(ErrorCode::invalid, fmt::format("'{}' cannot name a secret: {}", printable(name, 80), why),
              std::move(hint));
}

std::size_t bytes_of(const Secret& secret) {
  auto bytes = secret.name.size();
  for (const auto& host : secret.hosts) bytes += host.size() + 1;
  return bytes;
}

Result<> check_hosts(const Secret& secret) {
  auto bad = [&](std::string why) {
    return fail(ErrorCode::invalid, fmt::format("the secret '{}' {}", secret.name, why),
                "give NAME@HOST[,HOST...], as in GITHUB_TOKEN@api.github.com");
  };
  if (secret.hosts.size() > limits::kVmSecretHosts)
    return bad(fmt::format("has {} hosts, over the limit of {}", secret.hosts.size(), limits::kVmSecretHosts));
  for (const auto& host : secret.hosts) {
    if (host.empty()) return bad("has a host without a name");
    if (host.size() > limits::kAllowRuleBytes) return bad(fmt::format("has a host of {} bytes", host.size()));
  }
  return {};
}

}  // namespace

Result<Secret> parse_secret(std::string_view text) {
  auto at = text.find('@');
  Secret secret{.name = std::string(text.substr(0, at)), .hosts = {}};
  TRY(check_secret_name(secret.name));
  if (at == text.npos) return secret;
  for (auto host : split(text.substr(at + 1), ',')) secret.hosts.emplace_back(trim(host));
  TRY(check_hosts(secret));
  return secret;
}

std::string to_string(const Secret& secret) {
  return secret.hosts.empty() ? secret.name : fmt::format("{}@{}", secret.name, join(secret.hosts, ","));
}

std::string placeholder(std::string_view name) { return fmt::format("{}{}", kPlaceholderBegin, name); }

Result<> check_secret_name(std::string_view name) {
  if (name.empty()) return fail(ErrorCode::invalid, "a secret has no name", "give NAME@HOST[,HOST...]");
  if (name.contains('='))
    return fail(ErrorCode::invalid, "a secret's value does not belong on a command line",
                "give NAME@HOST, and the value in the environment variable NAME");
  if (!guestcfg::is_shell_name(name))
    return bad_name(name, "it is the name of a variable, made of letters, digits and '_'", "use a name like API_TOKEN");
  if (name.size() > limits::kVmSecretNameBytes)
    return bad_name(name, fmt::format("it has {} characters", name.size()),
                    fmt::format("use at most {}", limits::kVmSecretNameBytes));
  if (is_taken(name)) return bad_name(name, "programs in the guest need that variable", "use a name like API_TOKEN");
  return {};
}

Result<> check_secrets(const std::vector<Secret>& secrets, const std::map<std::string, std::string>& environment) {
  if (secrets.size() > limits::kVmSecrets)
    return fail(ErrorCode::invalid, fmt::format("a VM cannot have over {} secrets", limits::kVmSecrets));
  std::set<std::string_view> names;
  std::size_t bytes = 0;
  for (const auto& secret : secrets) {
    TRY(check_secret_name(secret.name));
    TRY(check_hosts(secret));
    if (!names.insert(secret.name).second)
      return fail(ErrorCode::invalid, fmt::format("the secret '{}' is given twice", secret.name),
                  "name all its hosts at once, as NAME@HOST,HOST");
    if (environment.contains(secret.name))
      return fail(ErrorCode::invalid, fmt::format("the variable '{}' is also a secret", secret.name),
                  "leave out --env for it: the guest gets a placeholder in that variable");
    bytes += bytes_of(secret);
  }
  if (bytes > limits::kSecretsBytes)
    return fail(ErrorCode::invalid, fmt::format("the hosts of a VM's secrets have {} bytes, over the limit of {}",
                                                bytes, format_size(limits::kSecretsBytes)));
  return {};
}

Result<> check_secret_value(std::string_view name, std::string_view value) {
  auto bad = [&](std::string why, std::string hint) {
    return fail(ErrorCode::invalid, fmt::format("the value of the secret '{}' {}", printable(name, 80), why),
                std::move(hint));
  };
  if (value.empty()) return bad("is empty", "give it a value, or leave the secret out");
  if (value.size() > limits::kSecretValueBytes)
    return bad(fmt::format("has {} bytes", value.size()),
               fmt::format("a header can have at most {}", format_size(limits::kSecretValueBytes)));
  // Servers refuse them in headers (RFC 9110, section 5.5).
  if (std::ranges::any_of(value, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; }))
    return bad("has a line break or another control character", "a header can have only one line of text");
  return {};
}

}  // namespace banger::vm
