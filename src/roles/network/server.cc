#include "roles/network/server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "capabilities/privileged_table.h"
#include "host/confine.h"
#include "host/files.h"
#include "host/stop_signals.h"
#include "host/unix_socket.h"
#include "net/bounds.h"
#include "net/netlink.h"
#include "roles/helper/request.h"
#include "roles/helper/server.h"
#include "roles/network/bounds.h"

namespace banger::roles::network {

namespace {

// The death of the keeper before this call has sent no signal.
Result<> live_with(pid_t keeper) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return fail_errno("live with the keeper");
  if (::getppid() != keeper) return fail(ErrorCode::cancelled, "the keeper has ended");
  return {};
}

Result<> enter(const host::Namespaces* network) {
  if (network) return host::enter_namespaces(*network);
  TRY(host::enter_new_namespaces());
  // AppArmor may allow the namespaces, and no rights in them. Then this is the first call that fails.
  auto up = TRY(net::Netlink::open()).loopback_up();
  if (up) return {};
  return std::unexpected(
      std::move(up.error())
          .with_hint("AppArmor may refuse it: docs/network.md tells how to load the profile of banger"));
}

Result<> confine(const capabilities::PrivilegedTable& table) {
  std::uint64_t powers = 0;
  for (const auto* operation : table) powers |= operation->powers;
  TRY(host::keep_capabilities(powers));
  TRY(host::forbid_new_privileges());
  return host::filter_system_calls(host::Calls::sockets);
}

// The keeper's lock must not live longer than the keeper. The descriptors are those of a copy that never uses them.
void close_all_but(int kept) {
  if (kept > 3) ::close_range(3, static_cast<unsigned>(kept) - 1, 0);
  ::close_range(static_cast<unsigned>(kept) + 1, ~0u, 0);
}

struct Ready {
  UniqueFd listener, stop;
  helper::OperationLock lock;
};

Result<Ready> prepare(const Options& options, const host::Namespaces* network, pid_t keeper, int answer) {
  TRY(live_with(keeper));
  TRY(enter(network));
  close_all_but(answer);
  // Only the holder of the lock comes here, so a socket that is there belongs to an earlier server.
  TRY(host::remove_file(options.socket));
  auto listener = TRY(host::listen_unix(options.socket));
  return Ready{std::move(listener), TRY(host::stop_signals()), TRY(helper::OperationLock::make())};
}

int serve(const Options& options, const host::Namespaces* network, const Logger& log, pid_t keeper, int answer) {
  auto ready = prepare(options, network, keeper, answer);
  auto table = capabilities::private_network_table();
  auto confined = ready ? confine(table) : std::unexpected(ready.error());
  (void)host::write_all(answer, confined ? "ok" : confined.error().sentence());
  ::close(answer);
  if (!confined) return 1;
  capabilities::PrivilegedContext context{.owner_uid = ::geteuid(),
                                          .owner_gid = ::getegid(),
                                          .bridge_name = options.bridge.name,
                                          .bridge_ip = net::to_text(options.bridge.address),
                                          .prefix = options.bridge.prefix,
                                          .roots = {},
                                          .log = log,
                                          .mtu = limits::kPrivateMtu};
  helper::HandlerContext handling{table, context, ready->lock, limits::kHelperRequestDeadline};
  auto served = helper::serve({.owner = context.owner_uid}, log, std::move(ready->listener), ready->stop.get(),
                              [&](UniqueFd socket, const host::Peer& peer) {
                                return helper::handle_request(handling, std::move(socket), peer);
                              });
  return served ? 0 : 1;
}

}  // namespace

Result<host::Child> start_server(const Options& options, const host::Namespaces* network, const Logger& log) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  auto keeper = ::getpid();
  auto child = TRY(host::fork_to([&] {
    read_end.reset();
    return serve(options, network, log, keeper, write_end.release());
  }));
  write_end.reset();
  auto answer = TRY(host::read_all(read_end.get(), "the answer", limits::kServerAnswerBytes));
  if (answer == "ok") return child;
  child.wait();
  return fail(ErrorCode::unavailable, answer.empty() ? "the server of the private network ended at once" : answer);
}

}  // namespace banger::roles::network
