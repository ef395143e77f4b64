// The composition root of bangerd-root: read the install, open the socket, confine this process, then serve.
#include "roles/helper/helper.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "capabilities/privileged_table.h"
#include "host/confine.h"
#include "host/passwd.h"
#include "host/stop_signals.h"
#include "host/ulimits.h"
#include "roles/helper/options.h"
#include "roles/helper/request.h"
#include "roles/helper/server.h"

namespace banger::roles::helper {

namespace {

Result<> must_be_root() {
  if (::getauxval(AT_SECURE) || ::getuid() != ::geteuid())
    return fail(ErrorCode::denied, "the root helper must not be setuid");
  if (::geteuid() != 0)
    return fail(ErrorCode::denied, "the root helper must be started by root",
                "sudo banger system install --owner USER");
  return {};
}

// Operations run programs. These programs must not see the environment or the directory of the process that started the
// helper.
void clean_process() {
  ::clearenv();
  ::setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
  ::umask(022);
  ::signal(SIGPIPE, SIG_IGN);
  [[maybe_unused]] auto ignored = ::chdir("/");
}

Result<> confine(const capabilities::PrivilegedTable& table) {
  std::uint64_t powers = 0;
  for (const auto* operation : table) powers |= operation->powers;
  TRY(host::keep_capabilities(powers));
  TRY(host::forbid_new_privileges());
  bool jails = std::ranges::any_of(table, &capabilities::PrivilegedOperation::jails);
  return host::filter_system_calls(jails ? host::Calls::jails : host::Calls::few);
}

Result<> serve_until_stopped(const Options& options, const Logger& log) {
  auto install = TRY(in("read the install", config::load_install(options.install_file)));
  auto owner = host::find_user(install.owner);
  if (!owner)
    return fail(ErrorCode::not_found, fmt::format("{}: there is no user '{}'", options.install_file, install.owner));
  auto listener = TRY(activated_listener(host::process_env()));
  if (!listener) listener = TRY(own_listener(options.socket, owner->uid));
  clean_process();

  capabilities::PrivilegedContext privileged{
      owner->uid,    owner->gid, install.bridge_name, install.bridge_ip,  install.cidr,
      install.roots, log,        install.jailer,      install.firecracker};
  auto table = capabilities::privileged_table(privileged);
  auto lock = TRY(OperationLock::make());
  // The handlers inherit the mask, so the signals do not reach them. A handler ends soon anyway, at its deadline.
  auto stop = TRY(host::stop_signals());
  TRY(in("confine this process", confine(table)));
  HandlerContext context{table, privileged, lock, limits::kHelperRequestDeadline};
  log.info("helper.started",
           {{"version", BANGER_VERSION}, {"owner", install.owner}, {"operations", std::to_string(table.size())}});
  TRY(serve({.owner = owner->uid}, log, std::move(listener), stop.get(),
            [&](UniqueFd socket, const host::Peer& peer) { return handle_request(context, std::move(socket), peer); }));
  log.info("helper.stopped");
  return {};
}

}  // namespace

int run(int argc, char** argv) {
  host::raise_limits();
  Logger log(STDERR_FILENO);
  auto allowed = must_be_root();
  auto options = allowed ? parse_options(std::span(argv + 1, static_cast<std::size_t>(argc - 1)))
                         : std::unexpected(allowed.error());
  auto done = options ? serve_until_stopped(*options, log) : std::unexpected(options.error());
  if (done) return 0;
  fmt::print(stderr, "bangerd-root: {}\n", done.error().sentence());
  return options ? 125 : 2;
}

}  // namespace banger::roles::helper
