// The guests behind the gate: their policies, what lookups have opened for them, their connections, their logs. All of
// it is in memory; the daemon sets the policies again after a new start of the gate.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "certs/issuer.h"
#include "certs/trust.h"
#include "egress/log.h"
#include "egress/openings.h"
#include "egress/policy.h"
#include "egress/secrets.h"
#include "egress/verdict.h"
#include "host/runtime.h"
#include "net/tcp.h"

namespace banger::roles::gate {

using egress::Destination;
using egress::Verdict;

/// A connection that goes on only while the policy allows it.
class Passage {
 public:
  virtual ~Passage() = default;
  virtual bool is_allowed_by(const egress::Policy& policy) const = 0;
  virtual void cut() = 0;
};

class Guests;

/// What the gate needs to end TLS. The daemon sends both.
struct TlsParts {
  std::optional<certs::Issuer> issuer;  ///< of the certificates that guests see
  std::optional<certs::Trust> trust;    ///< in servers outside
};

/// One VM. It exists as long as somebody holds it, but has no policy once the daemon has taken that.
class Guest {
 public:
  Guest(std::string vm_id, Guests& all) : vm_id_(std::move(vm_id)), all_(all) {}

  /// Grows with every change of the policy. A verdict belongs to one generation.
  std::uint64_t generation() const { return generation_; }
  const egress::Policy& policy() const { return policy_; }
  const egress::Secrets& secrets() const { return secrets_; }
  /// REQUIRES: the guest has secrets, or had some.
  TlsParts& tls();
  egress::Openings& openings() { return openings_; }
  const egress::Log& log() const { return log_; }

  /// The policy for a connection there. It knows whether the address is this host's own.
  const egress::Policy& policy_for(Destination to);
  /// Adds to the log. The first refusal of its kind is for the daemon too.
  void note(const egress::LogEvent& event);

  std::set<Passage*>& passages() { return passages_; }

 private:
  friend class Guests;
  std::string vm_id_;
  Guests& all_;
  net::Ipv4 address_ = 0;  ///< 0: has no policy now
  egress::Policy policy_;
  egress::Secrets secrets_;
  std::uint64_t generation_ = 0;
  egress::Openings openings_;
  egress::Log log_;
  std::set<Passage*> passages_;
};
using GuestPtr = std::shared_ptr<Guest>;

/// A refusal that the guest has not met before, or not for a long time.
struct Refusal {
  std::uint64_t sequence = 0;
  std::string vm_id, sentence;
};

class Guests {
 public:
  /// Whether packets to an address would stay on this host; for tests another function than net::is_own_address().
  using IsOwn = bool (*)(net::Ipv4 address);
  Guests(host::Runtime& runtime, net::Range peers, IsOwn is_own = net::is_own_address)
      : peers_(peers), is_own_(is_own), refused_(runtime) {}

  /// Null for an address without a policy.
  GuestPtr at(net::Ipv4 address) const;
  GuestPtr find(const std::string& vm_id) const;

  /// Cuts the connections that the new policy does not allow, and those that pass sealed to the host of a secret.
  /// `exhausted` for too many guests; `invalid` for secrets without the parts for TLS.
  Result<> set(const std::string& vm_id, net::Ipv4 address, egress::Policy policy, egress::Secrets secrets = {});
  TlsParts& tls() { return tls_; }
  /// Addresses of the host, for the policies of all guests.
  void set_host(std::vector<net::Ipv4> addresses);
  /// Cuts all connections. The log stays.
  void clear(const std::string& vm_id);
  void forget(const std::string& vm_id);

  /// The refusals after that sequence, oldest first.
  std::vector<Refusal> refusals_after(std::uint64_t sequence) const;
  host::Event& refused() { return refused_; }
  void add_refusal(std::string vm_id, std::string sentence);

  /// All connections of all guests.
  std::size_t passages() const;

 private:
  friend class Guest;
  bool drop_ended();

  net::Range peers_;
  IsOwn is_own_;
  std::vector<net::Ipv4> host_;
  TlsParts tls_;
  std::map<std::string, GuestPtr> by_id_;
  std::map<net::Ipv4, GuestPtr> by_address_;
  std::deque<Refusal> refusals_;
  std::uint64_t last_refusal_ = 0;
  host::Event refused_;
};

/// Present times, for the pure parts.
egress::Instant now();
egress::WallTime wall_time();

}  // namespace banger::roles::gate
