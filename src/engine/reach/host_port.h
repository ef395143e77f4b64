// A TCP port of this host whose connections go to a port of a VM's guest, through the link. Forwards and published
// ports are made of these. The guest is hostile, and so may be the host's other users.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "engine/vm/owner.h"
#include "net/tcp.h"

namespace banger::engine {

/// The totals over all VMs. Shared with running coroutines, which may end after everybody else.
struct HostPortTotals {
  explicit HostPortTotals(host::Runtime& runtime) : changed(runtime) {}
  std::size_t ports = 0, connections = 0;
  host::Event changed;  ///< a connection or a port has ended
};

/// The VM behind several host ports, and its connections. Shared likewise.
struct HostPortVm {
  std::shared_ptr<VmOwner> vm;
  std::shared_ptr<HostPortTotals> totals;
  std::size_t connections = 0;
};

class HostPort : public std::enable_shared_from_this<HostPort> {
 public:
  /// `target`: for CONNECT. `only`: the user whose processes may connect, beside root's; nullopt: everyone's.
  HostPort(std::shared_ptr<HostPortVm> of, std::unique_ptr<net::TcpListener> listener, std::string target,
           std::optional<uid_t> only);
  ~HostPort() { close(); }
  HostPort(const HostPort&) = delete;
  HostPort& operator=(const HostPort&) = delete;

  /// Accepts until close(). Call once.
  void serve();
  /// Connections that are open go on.
  void close();
  host::Endpoint at() const { return at_; }
  /// Why connections wait, or empty.
  const Error& problem() const { return problem_; }

 private:
  static Task<> accept(std::shared_ptr<HostPort> self);
  bool admit(net::TcpStream& stream);
  static Task<> wait_for_room(std::shared_ptr<HostPort> self);

  std::shared_ptr<HostPortVm> of_;
  std::unique_ptr<net::TcpListener> listener_;  ///< null: closed
  const host::Endpoint at_;
  const std::string target_;
  const std::optional<uid_t> only_;
  Error problem_;
  // The log has each of these once for a port.
  bool refused_ = false;   ///< a stranger was refused
  bool was_full_ = false;  ///< connections had to wait
};

}  // namespace banger::engine
