// A QMP client: one connection to a QEMU's control socket. QEMU serves one client at a time, and greets the next one
// when the previous one has closed. Source: QEMU's docs/interop/qmp-spec.
//
//   open(): greeting, qmp_capabilities ──► execute()… and events ──► the socket ends ──► every call fails `unavailable`
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "host/runtime.h"
#include "machine/qemu/qmp_message.h"

namespace banger::machine::qemu {

/// Destroying it closes the connection. Waiting calls then fail.
class Qmp {
 public:
  /// Called on the control thread for each event; must not destroy the Qmp. Owns what it captures.
  using OnEvent = std::function<void(const QmpEvent&)>;

  /// Takes a connected socket, and waits until QEMU is ready for commands. `timeout` when QEMU stays silent,
  /// `unavailable` when QEMU closes the socket or sends anything but QMP.
  static Task<Result<std::unique_ptr<Qmp>>> open(host::Runtime& runtime, UniqueFd socket, OnEvent on_event,
                                                 host::Deadline deadline);
  ~Qmp();

  /// Runs one command. Several may run at once. Returns the command's value. After a `timeout` the command may still
  /// take effect. A connection that QEMU does not read is closed, because waiting cannot repair it. QEMU gets copies of
  /// `fds` with the command.
  Task<Result<Json>> execute(std::string command, Json arguments, host::Deadline deadline,
                             std::span<const UniqueFd> fds = {});

  bool connected() const;
  /// Waits until all of QEMU's messages are handled and the socket has ended. False when the deadline passed first.
  Task<bool> wait_closed(host::Deadline deadline);

 private:
  struct Connection;
  explicit Qmp(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  static Task<> read_loop(std::shared_ptr<Connection> connection);
  std::shared_ptr<Connection> connection_;
};

}  // namespace banger::machine::qemu
