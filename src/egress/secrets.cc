#include "egress/secrets.h"

#include <algorithm>
#include <cstring>

#include "base/base64.h"
#include "base/letters.h"
#include "egress/bounds.h"

namespace banger::egress {

namespace {

// These say where a message goes, or where it ends. The gate has judged them already.
constexpr std::string_view kKept[] = {"host",    "content-length", "transfer-encoding", "connection", "te", "trailer",
                                      "upgrade", "expect",         "http2-settings"};

bool is_kept(std::string_view small_name) { return std::ranges::find(kKept, small_name) != std::end(kKept); }

bool has_credentials(std::string_view small_name) {
  return small_name == "authorization" || small_name == "proxy-authorization";
}

bool is_name_of(const Rule& rule, std::string_view host) {
  if (rule.kind == RuleKind::name) return host == rule.name;
  return host.size() > rule.name.size() + 1 && host.ends_with(rule.name) &&
         host[host.size() - rule.name.size() - 1] == '.';
}

}  // namespace

void SecretValue::wipe() {
  if (!text_.empty()) ::explicit_bzero(text_.data(), text_.size());
}

SecretValue& SecretValue::operator=(SecretValue&& other) noexcept {
  wipe();
  text_ = std::move(other.text_);
  known_ = other.known_;
  return *this;
}

bool Secret::is_for(std::string_view host, std::uint16_t port) const {
  return std::ranges::any_of(hosts,
                             [&](const Rule& rule) { return rule.ports.contains(port) && is_name_of(rule, host); });
}

void Secrets::fill_from(const Secrets& other) {
  for (auto& secret : secrets_) {
    auto same = std::ranges::find(other.secrets_, secret.name, &Secret::name);
    if (!secret.value.known() && same != other.secrets_.end() && same->value.known())
      secret.value = SecretValue(same->value.text());
  }
}

std::vector<std::string> Secrets::missing() const {
  std::vector<std::string> names;
  for (const auto& secret : secrets_)
    if (!secret.value.known()) names.push_back(secret.name);
  return names;
}

bool Secrets::has(std::string_view host, std::uint16_t port) const {
  return std::ranges::any_of(secrets_, [&](const Secret& secret) { return secret.is_for(host, port); });
}

bool Secrets::has_port(std::uint16_t port) const {
  return std::ranges::any_of(secrets_, [&](const Secret& secret) {
    return std::ranges::any_of(secret.hosts, [&](const Rule& rule) { return rule.ports.contains(port); });
  });
}

/// The secret whose placeholder the text begins with. The longest one counts: one placeholder may begin another.
const Secret* Secrets::secret_at(std::string_view text) const {
  for (const auto& secret : secrets_)
    if (text.starts_with(secret.placeholder)) return &secret;
  return nullptr;
}

// Each byte is looked at once, so a value that looks like a placeholder is nothing special.
Swapped Secrets::swap_text(std::string_view text, std::string_view host, std::uint16_t port, std::size_t most) const {
  Swapped made;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto* secret = secret_at(text.substr(at));
    bool ours = secret && secret->is_for(host, port);
    if (ours && !secret->value.known()) return {.outcome = Swapped::missing, .text = secret->name};
    auto piece = ours ? secret->value.text() : text.substr(at, secret ? secret->placeholder.size() : 1);
    if (made.text.size() + piece.size() > most) return {.outcome = Swapped::too_large, .text = {}};
    made.text += piece;
    if (ours) made.outcome = Swapped::swapped;
    at += secret ? secret->placeholder.size() : 1;
  }
  return made;
}

// Credentials of "Basic" are NAME:PASSWORD in base64 (RFC 7617).
std::optional<Swapped> Secrets::swap_basic(std::string_view value, std::string_view host, std::uint16_t port,
                                           std::size_t most) const {
  constexpr std::string_view kBasic = "basic ";
  if (lower(value.substr(0, kBasic.size())) != kBasic) return std::nullopt;
  auto begin = value.find_first_not_of(' ', kBasic.size());
  if (begin == value.npos) return std::nullopt;
  auto credentials = from_base64(value.substr(begin));
  if (!credentials) return std::nullopt;
  auto made = swap_text(*credentials, host, port, most);
  if (made.outcome != Swapped::swapped) return made.outcome == Swapped::same ? std::nullopt : std::optional(made);
  auto encoded = to_base64(made.text);
  if (begin + encoded.size() > most) return Swapped{.outcome = Swapped::too_large, .text = {}};
  made.text = std::string(value.substr(0, begin)) + encoded;
  return made;
}

Swapped Secrets::swap_field(std::string_view name, std::string_view value, std::string_view host, std::uint16_t port,
                            std::size_t most) const {
  auto small = lower(name);
  if (is_kept(small)) return {.outcome = Swapped::same, .text = std::string(value)};
  if (has_credentials(small))
    if (auto basic = swap_basic(value, host, port, most)) return std::move(*basic);
  return swap_text(value, host, port, most);
}

// The head is sound, so each line ends with CR LF, and each but the first and the last is a field.
Swapped Secrets::swap_head(std::string_view head, std::string_view host, std::uint16_t port) const {
  Swapped made;
  auto line_end = head.find("\r\n");
  made.text = head.substr(0, line_end + 2);
  for (auto at = line_end + 2; at < head.size(); at = line_end + 2) {
    line_end = head.find("\r\n", at);
    auto line = head.substr(at, line_end - at);
    auto colon = line.find(':');
    auto begin = colon == line.npos ? line.npos : line.find_first_not_of(" \t", colon + 1);
    if (begin == line.npos) begin = line.size();
    auto value = swap_field(line.substr(0, std::min(colon, line.size())), line.substr(begin), host, port,
                            limits::kSwappedHeadBytes);
    if (value.outcome == Swapped::missing || value.outcome == Swapped::too_large) return value;
    if (value.outcome == Swapped::swapped) made.outcome = Swapped::swapped;
    made.text.append(line.substr(0, begin)).append(value.text).append("\r\n");
    if (made.text.size() > limits::kSwappedHeadBytes) return {.outcome = Swapped::too_large, .text = {}};
  }
  return made;
}

}  // namespace banger::egress
