// The gate of guests with an egress policy as a process (roles/gate): started for the first such guest, and again when
// it has ended. It outlives the daemon, and the next daemon finds it by its socket.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "capabilities/egress_gate.h"
#include "capabilities/privileged.h"
#include "config/config.h"
#include "engine/secrets/secrets.h"
#include "host/paths.h"
#include "host/runtime.h"
#include "net/gate_sockets.h"

namespace banger::engine {

class GateProcess final : public capabilities::EgressGate {
 public:
  struct Events {
    /// For each refusal that a guest has not met before.
    std::function<void(const std::string& vm_id, const std::string& sentence)> refused;
    /// The gate has other ports than before, so the firewall must learn them: admit the guests again.
    std::function<void()> moved;
  };

  /// `program` is the argv that starts a gate, without its options. `network` runs the operations of private networks.
  GateProcess(host::Runtime& runtime, const Logger& log, const host::Paths& paths, const config::Config& config,
              capabilities::Privileged& network, Secrets& secrets, std::vector<std::string> program, Events events);

  Task<Result<net::GatePorts>> open(Place place) override;
  Task<Result<>> set(std::string vm_id, Guest guest) override;
  Task<Result<>> renew(std::string vm_id) override;
  Task<Result<>> set_host(std::vector<net::Ipv4> addresses) override;
  Task<> clear(std::string vm_id) override;
  Task<> forget(std::string vm_id) override;
  Task<Result<std::string>> log(std::string vm_id, std::uint64_t since) override;
  Task<> close() override;

 private:
  std::string socket() const { return paths_.run() + "/gate.sock"; }
  std::string record() const { return paths_.run() + "/gate.pid"; }
  bool runs() const;
  Task<Result<>> ensure(Place place);
  Task<Result<>> adopt(const std::string& place);
  Result<UniqueFd> recorded_process() const;
  Task<Result<>> start(const Place& place, const std::string& name);
  Task<Result<net::GateSockets>> sockets_for(const Place& place);
  Result<UniqueFd> spawn(const Place& place, const std::string& name);
  /// The result as JSON text.
  Task<Result<std::string>> ask(Result<std::string> request, std::chrono::milliseconds patience);
  Task<Result<>> set_again();
  /// REQUIRES: changing_ is held. The values of the guest's secrets, if it has any, are `deliveries`.
  Task<Result<>> give(std::string vm_id, Guest guest, std::vector<Secrets::Delivery> deliveries);
  Task<> renew_later(std::string vm_id);
  /// What the gate needs once to end TLS for guests.
  Task<Result<>> enable_secrets();
  void kill_process() const;
  Task<> end_process();
  Task<> watch(std::uint64_t turn);
  Task<Result<>> start_again(std::uint64_t turn);
  Task<> follow_refusals(std::uint64_t turn);

  host::Runtime& runtime_;
  const Logger& log_;
  const host::Paths& paths_;
  const config::Config& config_;
  capabilities::Privileged& network_;
  Secrets& secrets_;
  std::vector<std::string> program_;
  Events events_;
  host::Mutex changing_;
  std::optional<Place> place_;  ///< of the gate that runs, or should
  UniqueFd process_;            ///< a pidfd
  std::uint64_t turn_ = 0;      ///< grows with every process
  net::GatePorts ports_;
  /// Of a gate that this daemon has started. Nobody else gets their ports while the gate is started again.
  std::optional<net::GateSockets> sockets_;
  std::vector<net::Ipv4> host_;
  std::map<std::string, Guest> guests_;
  unsigned ends_in_row_ = 0;
  bool ends_tls_ = false;  ///< this process of the gate has what enable_secrets() sends
};

}  // namespace banger::engine
