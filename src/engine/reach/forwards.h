// Forwards the TCP ports on which a user's running VM listens. The daemon listens on the same ports of the VM's own
// loopback address, and passes connections of the owner's processes on through the link. The guest is hostile, so the
// number of ports and the rate of changes are bounded.
#pragma once

#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/vm/owner.h"
#include "net/tcp.h"

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

  /// Forwards the VM's ports until the VM is gone, whenever address_of() returns Reach::forwarded. Call once per VM.
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
    std::uint16_t port = 0;
    GuestPort guest;
    std::unique_ptr<net::TcpListener> listener;  ///< null: the host does not listen
    Error problem;
    // The log has each of these once for a port.
    bool refused = false;   ///< a stranger was refused
    bool was_full = false;  ///< connections had to wait
  };
  /// The totals over all VMs. Shared with running coroutines, which may end after this object.
  struct Totals {
    explicit Totals(host::Runtime& runtime) : changed(runtime) {}
    std::size_t ports = 0, connections = 0;
    host::Event changed;  ///< a connection or a listener has ended
  };
  struct Watch {
    Watch(host::Runtime& runtime, std::shared_ptr<VmOwner> v, std::shared_ptr<Totals> t)
        : vm(std::move(v)), totals(std::move(t)), changed(runtime) {}
    std::shared_ptr<VmOwner> vm;
    std::shared_ptr<Totals> totals;
    std::map<std::uint16_t, std::shared_ptr<Listening>> ports;
    std::size_t connections = 0;
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
  void end(Listening& listening);
  void close(Watch& watch);
  Task<> accept(WatchPtr watch, std::shared_ptr<Listening> listening);
  bool admit(const Watch& watch, Listening& listening, net::TcpStream& stream) const;
  Task<> wait_for_room(WatchPtr watch, std::shared_ptr<Listening> listening);
  Task<> pass_on(WatchPtr watch, std::string target, std::unique_ptr<net::TcpStream> stream);

  Services& services_;
  const uid_t owner_;
  std::map<const VmOwner*, WatchPtr> watches_;
  std::shared_ptr<Totals> totals_ = std::make_shared<Totals>(services_.runtime);
};

}  // namespace banger::engine
