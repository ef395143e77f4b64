// The composition root of bangerd: the parts in dependency order, then serve, then stop.
#include "roles/daemon/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <asio.hpp>
#include <charconv>
#include <cstdlib>

#include "base/text.h"
#include "capabilities/egress_policy.h"
#include "capabilities/resource_host.h"
#include "capabilities/secret_hosts.h"
#include "config/install.h"
#include "engine/events/vm_events.h"
#include "engine/fleet/autostart.h"
#include "engine/gate_process.h"
#include "engine/health/upkeep.h"
#include "engine/installed_vmms.h"
#include "engine/network_keeper.h"
#include "host/core_files.h"
#include "host/files.h"
#include "host/memory.h"
#include "host/own_program.h"
#include "host/passwd.h"
#include "host/ulimits.h"
#include "host/unix_socket.h"
#include "image/store_guard.h"
#include "roles/daemon/bounds.h"
#include "roles/daemon/instance_lock.h"
#include "roles/daemon/methods/methods.h"
#include "roles/daemon/own_socket.h"
#include "roles/daemon/pulls.h"

namespace banger::roles::daemon {

namespace {

vm::HostSize measure_host() {
  struct sysinfo info{};
  ::sysinfo(&info);
  return {.cpus = static_cast<std::uint32_t>(std::max(1l, ::sysconf(_SC_NPROCESSORS_ONLN))),
          .memory_bytes = host::bounded_by_cgroups(std::uint64_t{info.totalram} * info.mem_unit)};
}

// A file that cannot be read counts too: the daemon is then rather careful.
bool serves_install() {
  auto install = config::load_install();
  if (!install) return install.error().code != ErrorCode::not_found;
  auto owner = host::find_user(install->owner);
  return owner && owner->uid == ::geteuid();
}

struct Options {
  int ready_fd = -1;  ///< gets "ok", or the reason why the daemon does not start
  /// Standard error goes to the log in the state directory. A service manager starts the daemon without that log.
  bool log_file = false;
};

Result<Options> parse_options(int argc, char** argv) {
  if (argc == 1) return Options{};
  if (argc == 2 && std::string_view(argv[1]) == "--log-file") return Options{.log_file = true};
  int fd = -1;
  std::string_view value = argc == 3 ? argv[2] : "";
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), fd);
  if (argc != 3 || std::string_view(argv[1]) != "--ready-fd" || error != std::errc{} || *end || fd < 3)
    return fail(ErrorCode::invalid, "usage: bangerd [--ready-fd N | --log-file]", "banger daemon start");
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return Options{.ready_fd = fd};
}

// REQUIRES: the state directory exists.
Result<> log_to(const std::string& path) {
  auto log = TRY(host::open_file(path, O_WRONLY | O_CREAT | O_APPEND, 0600));
  if (::dup2(log.get(), STDOUT_FILENO) < 0 || ::dup2(log.get(), STDERR_FILENO) < 0) return fail_errno(path);
  return {};
}

void report_ready(int ready_fd, std::string text) {
  text += '\n';
  if (ready_fd < 0) return;
  (void)host::write_all(ready_fd, text);
  ::close(ready_fd);
}

// The socket of a daemon that died would be in the way. This process holds the instance lock, so no daemon serves that
// socket. On a full disk, the reserve of the store has the room that XFS or Btrfs needs for a new name.
Result<UniqueFd> replace_stale_socket(const std::string& path, store::Store& store) {
  TRY(host::remove_file(path));
  auto listener = host::listen_unix(path);
  if (!listener && listener.error().code == ErrorCode::exhausted && store.give_up_reserve())
    listener = host::listen_unix(path);
  return listener;
}

// A client has started the daemon and has a call to make. So this work waits until no client waits.
Task<> retire_orphaned_templates(engine::VmManager* vms) {
  co_await vms->foreground().wait_idle();
  co_await vms->templates().retire_orphans();
}

// Forwarded ports can have many connections. The usual limit of 1024 descriptors is only for programs that use
// select(2).
Task<> serve(Daemon& daemon, rpc::Server& server, UniqueFd listener, int ready_fd) {
  // Recovery comes before the first answer. Otherwise a client could see a VM as running although its machine is gone.
  co_await daemon.vms.recovery().recover_all(host::after(limits::kRecoveryDeadline));
  daemon.services.runtime.spawn(engine::release_leftovers(daemon.services, daemon.vms.registry()));
  daemon.services.runtime.spawn(engine::remove_unfinished(daemon.services));
  daemon.services.resources.run(daemon.services.runtime, daemon.vms.foreground());
  daemon.services.runtime.spawn(daemon.dns.run());
  daemon.vms.registry().for_each_vm([&daemon](std::shared_ptr<engine::VmOwner> vm) {
    daemon.published.watch(vm);
    daemon.forwards.watch(std::move(vm));
  });
  engine::start_automatically(daemon.services, daemon.vms.registry());
  daemon.services.runtime.spawn(daemon.vms.pool().run());
  daemon.services.runtime.spawn(engine::stop_stale(daemon.services, daemon.vms.registry()));
  daemon.services.runtime.spawn(engine::poll_metrics(daemon.services, daemon.vms.registry()));
  daemon.services.runtime.spawn(engine::bound_logs(daemon.services, daemon.vms.registry()));
  daemon.services.runtime.spawn(engine::look_after_guests(daemon.services, daemon.vms.registry()));
  daemon.services.runtime.spawn(retire_orphaned_templates(&daemon.vms));
  daemon.services.runtime.spawn(server.serve(std::move(listener), ::geteuid()));
  report_ready(ready_fd, "ok");
}

// No client can reach a daemon without its socket. The daemon would run for ever and keep a new daemon from starting.
Task<> stop_when_unreachable(Daemon& daemon, const OwnSocket& socket) {
  while (socket.in_place()) co_await daemon.services.runtime.sleep_for(limits::kSocketCheckInterval);
  daemon.services.log.error("daemon.unreachable", {{"socket", daemon.services.paths.daemon_socket()}});
  daemon.stop();
}

Task<> shut_down(engine::Services& services, engine::VmManager& vms, rpc::Server& server, const OwnSocket& socket) {
  // Running calls are cancelled, and have some time to undo their work. VMs go on.
  co_await server.stop(host::after(limits::kShutdownDeadline));
  co_await vms.pool().close();
  co_await services.resources.close();
  socket.remove();
  services.log.info("daemon.stopped");
  services.runtime.stop();
}

// Tests use another path. At any path, the daemon refuses a helper that does not run as root.
std::string helper_socket() {
  const char* other = std::getenv("BANGER_HELPER_SOCKET");
  return other && *other ? other : std::string(config::kHelperSocket);
}

std::optional<std::string> id_of(engine::VmManager* manager, std::string_view name) {
  auto vm = manager ? manager->registry().find_exactly(name) : nullptr;
  return vm ? std::optional(vm->record().id()) : std::nullopt;
}

// A VM that was deleted meanwhile has nobody to tell.
void tell_refusal(engine::VmManager* manager, engine::EventLog& events, const std::string& vm_id,
                  const std::string& sentence) {
  auto vm = manager ? manager->registry().find_exactly(vm_id) : nullptr;
  if (vm) events.add(engine::event_of(vm->record().row(), vm::Event::refused, sentence));
}

// The firewall must learn the new ports of the gate.
void admit_all_again(engine::Services& services, const engine::VmRegistry& registry) {
  auto holders = services.resources.holders();
  for (const auto& vm : registry.list())
    if (holders.contains(vm->record().id())) services.runtime.spawn(engine::VmOwner::admit_again(vm));
}

http::ProxySettings proxy_of_guests(const config::Config& config) {
  return config.proxy == config::ProxyChoice::host ? http::proxy_settings(host::process_env()) : http::ProxySettings{};
}

struct Prepared {
  host::Paths paths;
  config::Config config;
  UniqueFd lock;
  std::unique_ptr<store::Store> store;
};

Result<Prepared> prepare() {
  Prepared prepared;
  prepared.paths = TRY(host::find_paths(host::process_env()));
  TRY(host::make_private_directory(prepared.paths.state));
  TRY(host::make_private_directory(prepared.paths.run()));
  TRY(host::make_private_directory(prepared.paths.vms()));
  TRY(host::make_private_directory(prepared.paths.saves()));
  TRY(image::guard_stores(prepared.paths));
  prepared.config = TRY(config::load_config(prepared.paths.config_file));
  TRY(in(prepared.paths.config_file, capabilities::check_policies(prepared.config)));
  TRY(in(prepared.paths.config_file, capabilities::check_config_secrets(prepared.config)));
  prepared.lock = TRY(take_instance_lock(prepared.paths.daemon_lock()));
  prepared.store = TRY(store::Store::open(prepared.paths.database()));
  return prepared;
}

int serve_until_stopped(Prepared prepared, int ready_fd) {
  Logger log(STDERR_FILENO, prepared.config.log_level);
  const char* path = std::getenv("PATH");
  std::string path_variable = path ? path : "/usr/local/bin:/usr/bin:/bin";

  engine::EventLog events;  // coroutines that follow it end with the runtime
  host::Runtime runtime(limits::kPoolThreads);
  host::Mutex building_image(runtime), pulling_kernel(runtime);
  image::KernelStore kernels(runtime, prepared.paths.kernels(), prepared.paths.cache, path_variable);
  image::ImageStore images(runtime, prepared.paths.images(), prepared.paths.cache, path_variable,
                           prepared.config.default_registry);
  Pulls pulls(runtime, {images, kernels, building_image, pulling_kernel}, prepared.paths, prepared.config);
  engine::PrivilegedClient privileged(runtime, log, prepared.paths, prepared.config, helper_socket());
  engine::NetworkKeeper keeper(runtime, log, prepared.paths, prepared.config, {host::own_program(), "bangerd-net"});
  engine::NetworkAccess network(privileged, keeper, prepared.config);
  engine::VmManager* manager = nullptr;
  engine::Services* shared = nullptr;
  engine::Secrets secrets(runtime, log, prepared.paths, prepared.config);
  engine::GateProcess gate(
      runtime, log, prepared.paths, prepared.config, network, secrets, {host::own_program(), "bangerd-gate"},
      {.refused = [&](const std::string& vm, const std::string& why) { tell_refusal(manager, events, vm, why); },
       .moved =
           [&] {
             if (manager) admit_all_again(*shared, manager->registry());
           }});
  engine::InstalledVmms vmms(runtime, log, prepared.paths, prepared.config, *prepared.store, path_variable);
  engine::Initramfs initramfs(runtime, prepared.paths);
  engine::SavedStates saves(runtime, log, prepared.paths, *prepared.store);
  host::HostCgroupTree cgroups;
  engine::HostResources resources({.runtime = runtime,
                                   .log = log,
                                   .paths = prepared.paths,
                                   .config = prepared.config,
                                   .store = *prepared.store,
                                   .privileged = privileged,
                                   .network = network,
                                   .egress = gate,
                                   .firecracker = [&vmms] { return vmms.firecracker(); },
                                   .find_vm = [&manager](std::string_view name) { return id_of(manager, name); },
                                   .proxy = proxy_of_guests(prepared.config),
                                   .cgroups = &cgroups});
  engine::Services services{.runtime = runtime,
                            .log = log,
                            .paths = prepared.paths,
                            .config = prepared.config,
                            .store = *prepared.store,
                            .kernels = kernels,
                            .images = images,
                            .vmms = vmms,
                            .initramfs = initramfs,
                            .saves = saves,
                            .privileged = privileged,
                            .resources = resources,
                            .egress = gate,
                            .host_size = measure_host(),
                            .proxy = proxy_of_guests(prepared.config),
                            .system_install = serves_install(),
                            .building_image = building_image,
                            .pulling_kernel = pulling_kernel,
                            .puller = &pulls.puller,
                            .pusher = &pulls.pusher,
                            .catalog = &pulls.catalog,
                            .secrets = &secrets,
                            .events = &events};
  engine::VmManager vms(services);
  shared = &services;
  manager = &vms;
  auto server = rpc::make_server(runtime, log);
  auto listener = replace_stale_socket(prepared.paths.daemon_socket(), *prepared.store);
  auto socket = listener ? OwnSocket::at(prepared.paths.daemon_socket()) : std::unexpected(listener.error());
  auto stop = [&, stopping = false]() mutable {
    if (std::exchange(stopping, true)) return;
    runtime.spawn(shut_down(services, vms, *server, *socket));
  };
  engine::Dns dns(services, vms.registry());
  engine::Forwards forwards(services);
  engine::PublishedPorts published(services);
  Daemon daemon{.services = services,
                .vms = vms,
                .dns = dns,
                .forwards = forwards,
                .published = published,
                .stop = stop,
                .started_at = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())};
  add_methods(*server, daemon);

  auto loaded = saves.load();
  if (loaded) loaded = resources.load();
  if (loaded) loaded = vms.load();
  if (!loaded || !socket) {
    const auto& error = loaded ? socket.error() : loaded.error();
    report_ready(ready_fd, error.sentence());
    fmt::print(stderr, "bangerd: {}\n", error.sentence());
    return 125;
  }
  asio::signal_set signals(runtime.io(), SIGTERM, SIGINT);
  signals.async_wait([&](std::error_code error, int) {
    if (!error) daemon.stop();
  });
  for (const auto& low : host::low_limits())
    log.warn("daemon.low_limit", {{"limit", low.what}, {"value", low.value}, {"ulimit", low.option}});
  log.info("daemon.started", {{"version", BANGER_VERSION}, {"pid", std::to_string(::getpid())}});
  runtime.spawn(stop_when_unreachable(daemon, *socket));
  runtime.spawn(serve(daemon, *server, std::move(*listener), ready_fd));
  runtime.run();
  return 0;
}

}  // namespace

int run(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  // One arena and an early trim keep an idle daemon small. Allocations are not what the daemon spends its time on.
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_TRIM_THRESHOLD, limits::kTrimBytes);
  // Values of secrets are in the memory of this process, and of the gate.
  if (auto kept = host::keep_memory_out_of_core_files(); !kept)
    fmt::print(stderr, "bangerd: core files may have secrets: {}\n", kept.error().sentence());
  host::raise_limits();
  auto options = parse_options(argc, argv);
  if (!options) {
    fmt::print(stderr, "bangerd: {}\n", options.error().sentence());
    return 2;
  }
  auto prepared = prepare();
  if (prepared && options->log_file)
    if (auto opened = log_to(prepared->paths.daemon_log()); !opened)
      prepared = std::unexpected(std::move(opened.error()));
  if (!prepared) {
    report_ready(options->ready_fd, prepared.error().sentence());
    fmt::print(stderr, "bangerd: {}\n", prepared.error().sentence());
    return 125;
  }
  return serve_until_stopped(std::move(*prepared), options->ready_fd);
}

}  // namespace banger::roles::daemon
