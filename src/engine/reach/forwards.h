// What a user's running VM listens on, listened for on the VM's own loopback address and passed on through the link:
// each TCP port of the guest, for as long as the guest has it. The guest is hostile: how many, and how often they
// change, is bounded.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/vm/owner.h"
#include "net/tcp.h"

namespace banger::engine {

/// The guest's TCP ports, and where each listens as CONNECT has it: on any address or its loopback, if on several.
using GuestPorts = std::map<std::uint16_t, std::string>;

/// A line of GET /listening. Untrusted: rows that make no sense are passed over, and the lowest limits::kForwardPorts
/// stay.
Result<GuestPorts> parse_guest_ports(std::string_view line);

class Forwards {
 public:
  /// Borrowed for the daemon's life.
  explicit Forwards(Services& services) : services_(services) {}

  /// Looks after that VM until it is gone: forwards while address_of() says so. Once for each VM.
  void watch(std::shared_ptr<VmOwner> vm);

  /// What became of a port the guest listens on.
  struct Port {
    host::Endpoint at;  ///< where the host listens; port 0: nowhere
    Error why_not;      ///< set then
  };
  /// By the guest's port; empty when nothing is forwarded (yet).
  std::map<std::uint16_t, Port> of(const VmOwner& vm) const;
  /// Waits until something became of all of these ports of the guest, at most until the deadline.
  Task<> catch_up(const VmOwner& vm, std::vector<std::uint16_t> ports, host::Deadline deadline);

 private:
  struct Listening {
    std::string target;                          ///< where the guest listens, as CONNECT has it
    std::unique_ptr<net::TcpListener> listener;  ///< null: it could not be had
    Error why_not;
  };
  /// Of all VMs. Shared with what is under way, which may end after this object.
  struct Totals {
    std::size_t ports = 0, connections = 0;
  };
  struct Watch {
    Watch(host::Runtime& runtime, std::shared_ptr<VmOwner> v, std::shared_ptr<Totals> t)
        : vm(std::move(v)), totals(std::move(t)), changed(runtime) {}
    std::shared_ptr<VmOwner> vm;
    std::shared_ptr<Totals> totals;
    std::map<std::uint16_t, std::shared_ptr<Listening>> ports;
    std::size_t connections = 0;
    bool asked = false;   ///< somebody waits to know
    host::Event changed;  ///< what is listened for, or `asked`
  };
  using WatchPtr = std::shared_ptr<Watch>;

  Task<> look_after(WatchPtr watch);
  Task<> settle(WatchPtr watch, std::shared_ptr<link::Client> client);
  Task<> follow(WatchPtr watch, std::shared_ptr<link::Client> client);
  void apply(const WatchPtr& watch, const GuestPorts& wanted);
  std::shared_ptr<Listening> listen(const WatchPtr& watch, std::uint16_t port, std::string target);
  void close(Watch& watch);
  Task<> accept(WatchPtr watch, std::shared_ptr<Listening> listening);
  Task<> pass_on(WatchPtr watch, std::string target, std::unique_ptr<net::TcpStream> stream);

  Services& services_;
  std::map<const VmOwner*, WatchPtr> watches_;
  std::shared_ptr<Totals> totals_ = std::make_shared<Totals>();
};

}  // namespace banger::engine
