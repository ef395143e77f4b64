// The secrets of one guest. The guest has a placeholder for each. In the header fields of requests to the secret's
// hosts, the gate puts the value in its place. Pure. What counts as such a request is up to the caller: only what goes
// through TLS, to a server whose certificate was checked.
//
// A placeholder stays as it is in the request's target, its body, in answers, and for any other host.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "egress/rule.h"

namespace banger::egress {

/// Text that is overwritten when it is dropped. It may be missing.
class SecretValue {
 public:
  SecretValue() = default;
  explicit SecretValue(std::string_view text) : text_(text.begin(), text.end()), known_(true) {}
  SecretValue(SecretValue&& other) noexcept = default;  // the buffer itself moves
  SecretValue& operator=(SecretValue&& other) noexcept;
  ~SecretValue() { wipe(); }

  bool known() const { return known_; }
  std::string_view text() const { return {text_.data(), text_.size()}; }

 private:
  void wipe();
  std::vector<char> text_;
  bool known_ = false;
};

struct Secret {
  std::string name;         ///< of the environment variable
  std::string placeholder;  ///< at least one byte
  SecretValue value;
  std::vector<Rule> hosts;  ///< names with ports
  bool is_for(std::string_view host, std::uint16_t port) const;
};

/// What became of a text.
struct Swapped {
  enum Outcome {
    same,
    swapped,
    missing,    ///< it has the placeholder of a secret for this host whose value is not known: `text` is its name
    too_large,  ///< it would be longer than allowed
  } outcome = same;
  std::string text;  ///< also when it is the same
};

class Secrets {
 public:
  /// A list of `{"name", "placeholder", "value", "hosts"}`; null is an empty one. `value` may be null. Hosts have the
  /// form of rules (rule.h) without addresses, and mean port 443 unless they have another. `invalid` with a way out. No
  /// error has a value in it.
  static Result<Secrets> from_json(const Json* json);

  /// Takes values that are not known here, by the names of their secrets.
  void fill_from(const Secrets& other);
  /// The names of the secrets without a value.
  std::vector<std::string> missing() const;

  bool empty() const { return secrets_.empty(); }
  /// Whether a secret is for that host. `host` is canonical (host.h).
  bool has(std::string_view host, std::uint16_t port) const;
  /// Whether a secret is for any host on that port.
  bool has_port(std::uint16_t port) const;

  /// The head of an HTTP/1 request to that host, which HttpHeadParser has found sound. At most
  /// limits::kSwappedHeadBytes.
  Swapped swap_head(std::string_view head, std::string_view host, std::uint16_t port) const;
  /// The value of one header field; of HTTP/2 as well. Its name may have any case. At most `most` bytes.
  Swapped swap_field(std::string_view name, std::string_view value, std::string_view host, std::uint16_t port,
                     std::size_t most) const;

 private:
  const Secret* secret_at(std::string_view text) const;
  Swapped swap_text(std::string_view text, std::string_view host, std::uint16_t port, std::size_t most) const;
  std::optional<Swapped> swap_basic(std::string_view value, std::string_view host, std::uint16_t port,
                                    std::size_t most) const;

  std::vector<Secret> secrets_;  ///< those with longer placeholders first
};

}  // namespace banger::egress
