// The ports of this host that VMs publish (Spec::publish). The daemon listens on them while their VM runs. With
// `auto_wake` it also listens while the VM is suspended, and a connection resumes the VM. A port that cannot be opened
// is tried again until it can.
#pragma once

#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/reach/host_port.h"
#include "vm/published_port.h"

namespace banger::engine {

class PublishedPorts {
 public:
  /// Borrows `services` for the daemon's life. At loopback addresses only processes of `owner` may connect, unless the
  /// config lets everyone.
  explicit PublishedPorts(Services& services, uid_t owner = ::geteuid()) : services_(services), owner_(owner) {}

  /// Ports that were opened for a VM before it runs, so that nobody else takes them meanwhile. The destructor closes
  /// those that the VM has not taken.
  class Reserved {
   public:
    explicit Reserved(PublishedPorts* all) : all_(all) {}
    Reserved(Reserved&& other) noexcept : all_(other.all_), places_(std::exchange(other.places_, {})) {}
    Reserved& operator=(Reserved&&) = delete;
    ~Reserved();

   private:
    friend class PublishedPorts;
    PublishedPorts* all_;
    std::vector<host::Endpoint> places_;
  };
  /// Opens all `ports`, but those that `by` has open. A port 0 of the host becomes a free port. `busy` with the VM that
  /// has a port, or because another program has it. On failure nothing is open. `by` is null for a new VM.
  Result<Reserved> reserve(std::vector<vm::PublishedPort>& ports, const VmOwner* by);

  /// Follows the VM until the VM is gone. Call once per VM.
  void watch(std::shared_ptr<VmOwner> vm);
  /// Follows a change of the VM's ports or purpose at once.
  void update(const VmOwner& vm);

  /// The open ports of the VM by their place on this host, with why connections wait, or an empty error.
  std::vector<std::pair<vm::PublishedPort, Error>> open(const VmOwner& vm) const;
  /// Why ports of the VM are not open. Sentences for people.
  std::vector<std::string> problems(const VmOwner& vm) const;

 private:
  struct Publication {
    std::shared_ptr<HostPort> open;  ///< null: the host does not listen
    Error problem;
  };
  struct Watch {
    std::shared_ptr<HostPortVm> of;
    std::vector<std::pair<vm::PublishedPort, Publication>> ports;
  };
  using WatchPtr = std::shared_ptr<Watch>;

  Task<> follow(WatchPtr watch);
  void update(const WatchPtr& watch);
  Publication publish(const WatchPtr& watch, const vm::PublishedPort& port);
  Result<std::unique_ptr<net::TcpListener>> listen(const host::Endpoint& place, std::uint16_t guest);
  /// The name of the VM that has the place open; empty: none.
  std::string holder_of(const host::Endpoint& place) const;

  Services& services_;
  const uid_t owner_;
  std::map<const VmOwner*, WatchPtr> watches_;
  std::vector<std::unique_ptr<net::TcpListener>> reserved_;
  std::shared_ptr<HostPortTotals> totals_ = std::make_shared<HostPortTotals>(services_.runtime);
};

}  // namespace banger::engine
