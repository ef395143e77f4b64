// Forwards the TCP ports on which a user's running VM listens. The daemon listens on the same ports of the VM's own
// loopback address, and passes connections of the owner's processes on through the link. The guest is hostile, so the
// number of ports and the rate of changes are bounded.
#pragma once

#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/reach/host_port.h"

namespace banger::engine {

/// A TCP port on which a guest listens.
struct GuestPort {
  std::string target;     ///< for CONNECT
  bool loopback = false;  ///< the guest listens on its loopback addresses only
  friend bool operator==(const GuestPort&, const GuestPort&) = default;
};
/// Of several listeners on a port, one on all addresses wins, then one on another address, then one on loopback. What
/// a guest serves on loopback only is never the target because of another listener on the same port.
using GuestPorts = std::map<std::uint16_t, GuestPort>;

/// Parses a line of GET /listening. The line is untrusted: malformed rows are skipped, and only the lowest
/// limits::kForwardPorts ports are kept.
Result<GuestPorts> parse_guest_ports(std::string_view line);

class Forwards {
 public:
  /// Borrows `services` for the daemon's life. Processes of `owner` may connect.
  explicit Forwards(Services& services, uid_t owner = ::geteuid()) : services_(services), owner_(owner) {}

  /// Forwards the VM's ports until the VM is gone, whenever address_of() returns Reach::forwarded. While the VM is
  /// suspended, these are the ports that it had before. Call once per VM.
  void watch(std::shared_ptr<VmOwner> vm);

  /// The state of a port on which the guest listens.
  struct Port {
    host::Endpoint at;  ///< where the host listens; port 0: not at all
    Error problem;      ///< why the host does not listen, or why connections wait; or empty
  };
  /// The ports by the guest's number. Empty when nothing is forwarded (yet).
  std::map<std::uint16_t, Port> of(const VmOwner& vm) const;
  /// Waits until all these ports of the guest are forwarded or have failed, at most until the deadline. A port that has
  /// failed before is tried again, because the program that had it on this host may have ended.
  Task<> wait_for(const VmOwner& vm, std::vector<std::uint16_t> ports, host::Deadline deadline);

 private:
  struct Listening {
    GuestPort guest;
    std::shared_ptr<HostPort> open;  ///< null: the host does not listen
    Error problem;                   ///< why the host does not listen
  };
  struct Watch {
    Watch(host::Runtime& runtime, std::shared_ptr<HostPortVm> v) : of(std::move(v)), changed(runtime) {}
    std::shared_ptr<HostPortVm> of;
    std::map<std::uint16_t, std::shared_ptr<Listening>> ports;
    bool asked = false;   ///< a caller waits for the ports
    host::Event changed;  ///< `ports` or `asked` has changed
  };
  using WatchPtr = std::shared_ptr<Watch>;

  Task<> forward_ports(WatchPtr watch);
  Task<> settle(WatchPtr watch, std::shared_ptr<link::Client> client);
  Task<> follow(WatchPtr watch, std::shared_ptr<link::Client> client);
  void try_again(const WatchPtr& watch);
  void apply(const WatchPtr& watch, const GuestPorts& wanted);
  std::shared_ptr<Listening> listen(const WatchPtr& watch, std::uint16_t port, GuestPort guest);
  Result<std::unique_ptr<net::TcpListener>> listen_at(const VmOwner& vm, std::uint16_t port, const GuestPort& guest);
  void close(Watch& watch);

  Services& services_;
  const uid_t owner_;
  std::map<const VmOwner*, WatchPtr> watches_;
  std::shared_ptr<HostPortTotals> totals_ = std::make_shared<HostPortTotals>(services_.runtime);
};

}  // namespace banger::engine
