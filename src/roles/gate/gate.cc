// The composition root of bangerd-gate: give up all rights, then serve names, connections and the daemon.
#include "roles/gate/gate.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "host/confine.h"
#include "host/runtime.h"
#include "host/ulimits.h"
#include "roles/gate/methods.h"
#include "roles/gate/names.h"
#include "roles/gate/options.h"
#include "roles/gate/proxy.h"

namespace banger::roles::gate {

namespace {

Result<> serve(Options options, const Logger& log) {
  host::Runtime runtime(0);
  Guests guests(runtime, options.peers);
  Methods methods{runtime, guests, options.place, TRY(net::ports_of(options.sockets))};
  TRY(serve_connections(runtime, std::move(options.sockets.tcp), guests, options.proxy));
  auto names = TRY(serve_names(runtime, std::move(options.sockets.names), guests, std::move(options.servers)));
  auto server = rpc::make_server(runtime, log);
  add_methods(*server, methods);
  runtime.spawn(server->serve(std::move(options.control), ::geteuid()));
  runtime.run();
  return {};
}

Result<> confine() {
  // Secrets are in this memory: no core file, and no other process of the same user looks into it.
  if (::prctl(PR_SET_DUMPABLE, 0) < 0) return fail_errno("keep the memory private");
  TRY(host::forbid_new_privileges());
  return host::filter_system_calls(host::Calls::sockets);
}

}  // namespace

int run(int argc, char** argv) {
  host::raise_limits();
  ::signal(SIGPIPE, SIG_IGN);
  Logger log(STDERR_FILENO);
  auto options = parse_options(std::span(argv + 1, static_cast<std::size_t>(argc - 1)));
  bool understood = options.has_value();
  auto confined = understood ? confine() : std::unexpected(options.error());
  auto done = confined ? serve(std::move(*options), log) : confined;
  if (done) return 0;
  log.error("gate.failed", {{"error", done.error().sentence()}});
  return understood ? 125 : 2;
}

}  // namespace banger::roles::gate
