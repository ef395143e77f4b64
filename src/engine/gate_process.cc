#include "engine/gate_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "engine/bounds.h"
#include "engine/line_exchange.h"
#include "engine/secrets/trusted.h"
#include "host/child.h"
#include "host/files.h"
#include "host/landlock.h"
#include "host/unix_socket.h"
#include "net/bounds.h"
#include "rpc/protocol.h"

namespace banger::engine {

namespace {

constexpr int kControlFd = 3, kTcpFd = 4, kNamesUdpFd = 5, kNamesTcpFd = 6;

/// Which gate it is. A gate of another version, bridge or network is of no use.
std::string name_of(const capabilities::EgressGate::Place& place) {
  auto network = place.network ? host::identity_of(*place.network) : "host";
  auto proxy = place.proxy ? " " + host::to_string(*place.proxy) : "";
  return fmt::format("{} {}/{} {}{}", BANGER_VERSION, net::to_text(place.bridge.address), place.bridge.prefix, network,
                     proxy);
}

// JSON stays in plain functions. In coroutines its code is several times as large.

Result<std::string> request(std::string_view method, const Json& params) {
  auto line = TRY(rpc::encode_call(1, method, params));
  if (line.size() <= limits::kRpcMessageBytes) return line;
  return fail(ErrorCode::exhausted, "the egress policy is too large", "*.example.org or 10.0.0.0/8 replace many");
}

Result<std::string> request_about(std::string_view method, const std::string& vm_id) {
  return request(method, {{"vm", vm_id}});
}

Json json_of(const Secrets::Delivery& delivery) {
  const auto& secret = delivery.secret;
  return {{"name", secret.name},
          {"placeholder", vm::placeholder(secret.name)},
          {"value", delivery.value ? Json(delivery.value->view()) : Json()},
          {"hosts", secret.hosts}};
}

// The gate keeps a value that is null here, or takes that of the parent of a fork.
Result<std::string> set_request(const std::string& vm_id, const capabilities::EgressGate::Guest& guest,
                                const std::vector<Secrets::Delivery>& deliveries, const std::string& parent_id) {
  Json params = {{"vm", vm_id}, {"address", net::to_text(guest.address)}, {"policy", egress::to_json(guest.policy)}};
  for (const auto& delivery : deliveries) params["secrets"].push_back(json_of(delivery));
  if (!parent_id.empty()) params["like"] = parent_id;
  return request("gate.set", params);
}

Result<std::string> authority_request(const certs::Authority& authority) {
  return request("gate.authority", {{"key", authority.key_pem}, {"subject", authority.subject}});
}

Result<std::string> trust_request() {
  auto authorities = TRY(trusted_authorities(host::process_env()));
  auto line = TRY(rpc::encode_call(1, "gate.trust", {{"authorities", authorities}}));
  if (line.size() <= limits::kRpcMessageBytes) return line;
  return fail(ErrorCode::exhausted, "this host has too many certificate authorities",
              "name a file with fewer of them in SSL_CERT_FILE of the daemon");
}

Result<std::set<std::string>> missing_in(const std::string& text) {
  auto json = TRY(parse_json(text, limits::kRpcMessageBytes));
  auto names = TRY(find_strings(json, "missing"));
  return std::set<std::string>(names.begin(), names.end());
}

Result<std::string> host_request(const std::vector<net::Ipv4>& addresses) {
  Json list = Json::array();
  for (auto address : addresses) list.push_back(net::to_text(address));
  return request("gate.host", {{"addresses", std::move(list)}});
}

Result<std::string> result_in(const std::string& line) {
  auto reply = TRY(rpc::parse_reply(line));
  if (reply.kind == rpc::Reply::Kind::error) return std::unexpected(std::move(reply.error));
  return dump_json(reply.result);
}

struct Info {
  std::string place;
  pid_t pid;
  net::GatePorts ports;
};

Result<Info> info_in(const std::string& text) {
  auto json = TRY(parse_json(text, limits::kRpcMessageBytes));
  auto port = [&](const char* name) -> Result<std::uint16_t> {
    auto number = TRY(get_int(json, name));
    if (number < 1 || number > UINT16_MAX) return fail(ErrorCode::corrupt, "the gate has an invalid port");
    return static_cast<std::uint16_t>(number);
  };
  return Info{
      .place = TRY(get_string(json, "place")),
      .pid = static_cast<pid_t>(TRY(get_int(json, "pid"))),
      .ports = {.tcp = TRY(port("tcp")), .names_udp = TRY(port("names_udp")), .names_tcp = TRY(port("names_tcp"))}};
}

struct Refusal {
  std::int64_t sequence;
  std::string vm_id, sentence;
};

Result<std::vector<Refusal>> refusals_in(const std::string& text) {
  auto json = TRY(parse_json(text, limits::kRpcMessageBytes));
  std::vector<Refusal> refusals;
  for (const auto& each : json.value("refusals", Json::array()))
    refusals.push_back(
        {TRY(get_int(each, "sequence")), TRY(get_string(each, "vm")), TRY(get_string(each, "sentence"))});
  return refusals;
}

std::string no_rows(std::uint64_t since) {
  return dump_json({{"rows", Json::array()}, {"sequence", since}, {"forgotten", 0}, {"more", false}});
}

std::string text_of(const host::ProcessId& id) { return fmt::format("{} {}\n", id.pid, id.start_time); }

std::optional<host::ProcessId> process_in(std::string_view text) {
  host::ProcessId id;
  const auto* end = text.data() + text.size();
  auto next = std::from_chars(text.data(), end, id.pid).ptr;
  if (next != end) std::from_chars(next + 1, end, id.start_time);
  return id.pid > 0 && id.start_time > 0 ? std::optional(id) : std::nullopt;
}

// It may be the child of an earlier daemon, and then somebody else reaps it.
void reap(const UniqueFd& process) {
  siginfo_t info{};
  (void)::waitid(static_cast<idtype_t>(3 /* P_PIDFD */), static_cast<id_t>(process.get()), &info, WEXITED | WNOHANG);
}

}  // namespace

GateProcess::GateProcess(host::Runtime& runtime, const Logger& log, const host::Paths& paths,
                         const config::Config& config, capabilities::Privileged& network, Secrets& secrets,
                         std::vector<std::string> program, Events events)
    : runtime_(runtime),
      log_(log),
      paths_(paths),
      config_(config),
      network_(network),
      secrets_(secrets),
      program_(std::move(program)),
      events_(std::move(events)),
      changing_(runtime) {}

bool GateProcess::runs() const {
  if (!process_) return false;
  pollfd ended{process_.get(), POLLIN, 0};
  return ::poll(&ended, 1, 0) == 0;
}

Task<Result<net::GatePorts>> GateProcess::open(Place place) {
  auto turn = co_await changing_.lock();
  CO_TRY(co_await ensure(std::move(place)));
  co_return ports_;
}

Task<Result<>> GateProcess::ensure(Place place) {
  auto name = name_of(place);
  if (runs() && place_ && name_of(*place_) == name) co_return Result<>{};
  // Sockets belong to their bridge and network.
  if (place_ && name_of(*place_) != name) sockets_.reset();
  if (runs()) co_await end_process();
  place_ = place;
  auto adopted = co_await adopt(name);
  if (!adopted) {
    co_await end_process();
    CO_TRY(in("the gate", co_await start(place, name)));
  }
  ++turn_;
  ends_tls_ = false;
  runtime_.spawn(watch(turn_));
  runtime_.spawn(follow_refusals(turn_));
  co_return co_await set_again();
}

// The record is for a gate that does not answer. A daemon that was killed may have left a gate without one.
Task<Result<>> GateProcess::adopt(const std::string& place) {
  if (auto recorded = recorded_process()) process_ = std::move(*recorded);
  auto text = CO_TRY(co_await ask(request("gate.info", Json::object()), limits::kGateAnswerPatience));
  auto info = CO_TRY(info_in(text));
  process_ = CO_TRY(host::open_process(CO_TRY(host::process_id(info.pid))));
  if (info.place != place) co_return fail(ErrorCode::not_found, "that gate is for another network");
  ports_ = info.ports;
  log_.info("gate.adopted", {{"pid", fmt::to_string(info.pid)}});
  co_return Result<>{};
}

Result<UniqueFd> GateProcess::recorded_process() const {
  auto id = process_in(TRY(host::read_file(record(), limits::kNetworkLockBytes)));
  return id ? host::open_process(*id) : fail(ErrorCode::corrupt, "the record of the gate names no process");
}

Task<Result<net::GateSockets>> GateProcess::sockets_for(const Place& place) {
  if (!place.network) co_return net::open_gate_sockets(place.bridge.address);
  auto reply = CO_TRY(co_await network_.call("gate.listen", "{}"));
  if (reply.fds.size() != 3)
    co_return fail(ErrorCode::internal, fmt::format("gate.listen sent {} sockets instead of 3", reply.fds.size()));
  co_return net::GateSockets{.tcp = std::move(reply.fds[0]),
                             .names = {.udp = std::move(reply.fds[1]), .tcp = std::move(reply.fds[2])}};
}

Task<Result<>> GateProcess::start(const Place& place, const std::string& name) {
  if (!sockets_) sockets_ = CO_TRY(co_await sockets_for(place));
  ports_ = CO_TRY(net::ports_of(*sockets_));
  process_ = CO_TRY(spawn(place, name));
  log_.info("gate.started", {{"place", name}});
  co_return Result<>{};
}

Result<UniqueFd> GateProcess::spawn(const Place& place, const std::string& name) {
  TRY(host::remove_file(socket()));
  auto control = TRY(host::listen_unix(socket()));
  host::SpawnSpec spec{.argv = program_, .env = {"LC_ALL=C"}, .cwd = "/"};
  auto add = [&](std::initializer_list<std::string> words) { spec.argv.insert(spec.argv.end(), words); };
  auto here = fmt::format("{}:{}", net::to_text(place.bridge.address), limits::kDnsPort);
  bool is_private = place.network != nullptr;
  add({"--control-fd", fmt::to_string(kControlFd), "--tcp-fd", fmt::to_string(kTcpFd)});
  add({"--names-udp-fd", fmt::to_string(kNamesUdpFd), "--names-tcp-fd", fmt::to_string(kNamesTcpFd)});
  add({"--network", place.bridge.range().text(), "--place", name});
  // In a private network the daemon's own relay has all names.
  add({"--server", is_private ? here : fmt::format("{}:{}", config_.default_dns, limits::kDnsPort)});
  if (auto vm_names = is_private ? here : config_.dns_listen_addr; !vm_names.empty()) add({"--vm-names", vm_names});
  if (place.proxy) add({"--proxy", host::to_string(*place.proxy)});
  spec.extra_fds = {{control.get(), kControlFd},
                    {sockets_->tcp.get(), kTcpFd},
                    {sockets_->names.udp.get(), kNamesUdpFd},
                    {sockets_->names.tcp.get(), kNamesTcpFd}};
  spec.stdout_fd = spec.stderr_fd = STDERR_FILENO;
  spec.new_session = true;
  spec.namespaces = place.network.get();
  spec.no_new_privileges = true;
  spec.capabilities = 0;
  spec.limits = {{RLIMIT_CORE, 0, 0}};  // a core file would have what guests send
  // A kernel without Landlock has the other walls.
  auto rules = host::make_ruleset({.files = {{program_.front(), host::FileAccess::run}}, .tcp = true});
  if (rules) spec.landlock_fd = rules->get();
  auto child = TRY(host::spawn(spec));
  auto id = TRY(host::process_id(child.pid()));
  TRY(host::write_file(record(), text_of(id)));
  return child.release();
}

Task<Result<std::string>> GateProcess::ask(Result<std::string> request, std::chrono::milliseconds patience) {
  LineServer server{socket(), ::geteuid(), "the gate of egress policies", paths_.daemon_log()};
  auto answer = co_await exchange_lines(runtime_, std::move(server), CO_TRY(std::move(request)),
                                        limits::kRpcMessageBytes, host::after(patience));
  if (answer) co_return result_in(answer->line);
  // A gate that stands still serves no guest either. Its successor is started when it has ended.
  if (answer.error().code == ErrorCode::timeout) kill_process();
  co_return std::unexpected(std::move(answer.error()));
}

Task<Result<>> GateProcess::set_again() {
  CO_TRY(co_await ask(host_request(host_), limits::kGateAnswerPatience));
  for (const auto& [vm_id, guest] : std::map(guests_)) {
    // No guest waits for a slow command. Its output follows.
    auto deliveries = co_await secrets_.gather(vm_id, guest.secrets, Secrets::Effort::at_hand);
    CO_TRY(co_await give(vm_id, guest, std::move(deliveries)));
    if (secrets_.needs_command(guest.secrets)) runtime_.spawn(renew_later(vm_id));
  }
  co_return Result<>{};
}

Task<Result<>> GateProcess::give(std::string vm_id, Guest guest, std::vector<Secrets::Delivery> deliveries) {
  if (!guest.secrets.empty()) CO_TRY(in("secrets", co_await enable_secrets()));
  auto answer = CO_TRY(co_await ask(set_request(vm_id, guest, deliveries, secrets_.values().parent_of(vm_id)),
                                    limits::kGateAnswerPatience));
  if (!guest.secrets.empty()) secrets_.note_missing(vm_id, CO_TRY(missing_in(answer)));
  co_return Result<>{};
}

Task<Result<>> GateProcess::enable_secrets() {
  if (ends_tls_) co_return Result<>{};
  CO_TRY(co_await ask(authority_request(CO_TRY(secrets_.authority().get())), limits::kGateAnswerPatience));
  CO_TRY(co_await ask(trust_request(), limits::kGateAnswerPatience));
  ends_tls_ = true;
  co_return Result<>{};
}

Task<Result<>> GateProcess::set_host(std::vector<net::Ipv4> addresses) {
  host_ = std::move(addresses);
  if (runs()) CO_TRY(co_await ask(host_request(host_), limits::kGateAnswerPatience));
  co_return Result<>{};
}

Task<Result<>> GateProcess::set(std::string vm_id, Guest guest) {
  // Before the turn, because a command may be slow.
  auto deliveries = co_await secrets_.gather(vm_id, guest.secrets, Secrets::Effort::fresh);
  guests_.insert_or_assign(vm_id, guest);
  auto turn = co_await changing_.lock();
  co_return co_await give(std::move(vm_id), std::move(guest), std::move(deliveries));
}

Task<Result<>> GateProcess::renew(std::string vm_id) {
  auto known = guests_.find(vm_id);
  if (known == guests_.end() || known->second.secrets.empty()) co_return Result<>{};
  auto deliveries = co_await secrets_.gather(vm_id, known->second.secrets, Secrets::Effort::fresh);
  auto turn = co_await changing_.lock();
  // Meanwhile the guest may have ended, or got other secrets, which set() gives to the gate.
  auto still = guests_.find(vm_id);
  bool same = still != guests_.end() &&
              std::ranges::equal(still->second.secrets, deliveries, {}, {}, &Secrets::Delivery::secret);
  if (!same || !runs()) co_return Result<>{};
  co_return co_await give(vm_id, still->second, std::move(deliveries));
}

Task<> GateProcess::renew_later(std::string vm_id) {
  if (auto renewed = co_await renew(vm_id); !renewed)
    log_.warn("gate.renew_failed", {{"id", vm_id}, {"error", renewed.error().sentence()}});
}

Task<> GateProcess::clear(std::string vm_id) {
  secrets_.forget_missing(vm_id);
  if (!guests_.erase(vm_id) || !runs()) co_return;
  if (auto done = co_await ask(request_about("gate.clear", vm_id), limits::kGateAnswerPatience); !done)
    log_.warn("gate.clear_failed", {{"id", vm_id}, {"error", done.error().sentence()}});
}

Task<> GateProcess::forget(std::string vm_id) {
  guests_.erase(vm_id);
  secrets_.forget(vm_id);
  if (runs()) (void)co_await ask(request_about("gate.forget", vm_id), limits::kGateAnswerPatience);
}

Task<Result<std::string>> GateProcess::log(std::string vm_id, std::uint64_t since) {
  if (!runs()) co_return no_rows(since);
  co_return co_await ask(request("gate.log", {{"vm", vm_id}, {"since", since}}), limits::kGateAnswerPatience);
}

void GateProcess::kill_process() const {
  if (process_) (void)::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
}

Task<> GateProcess::end_process() {
  if (!process_) co_return;
  kill_process();
  (void)co_await host::wait_readable(runtime_, process_.get(), host::after(limits::kGateAnswerPatience));
  reap(process_);
  process_.reset();
}

Task<> GateProcess::close() {
  auto turn = co_await changing_.lock();
  // The gate of an earlier daemon whose VMs have all ended.
  if (auto recorded = process_ ? Result<UniqueFd>(UniqueFd()) : recorded_process(); recorded && *recorded)
    process_ = std::move(*recorded);
  ++turn_;
  guests_.clear();
  place_.reset();
  sockets_.reset();
  co_await end_process();
  (void)host::remove_file(record());
  (void)host::remove_file(socket());
}

// Its guests reach nothing meanwhile, so it is started again at once. A gate that always ends is started ever slower.
Task<> GateProcess::watch(std::uint64_t turn) {
  UniqueFd process(::fcntl(process_.get(), F_DUPFD_CLOEXEC, 3));
  auto began = host::Clock::now();
  if (process) (void)co_await host::wait_readable(runtime_, process.get());
  reap(process);
  if (turn != turn_) co_return;
  ends_in_row_ = host::Clock::now() - began > limits::kGateSteady ? 0 : ends_in_row_ + 1;
  log_.warn("gate.ended", {{"in_row", fmt::to_string(ends_in_row_)}});
  while (turn == turn_ && place_) {
    if (ends_in_row_ > 1) co_await runtime_.sleep_for(limits::kGatePause * std::min(ends_in_row_, 50u));
    auto again = co_await start_again(turn);
    if (again) co_return;
    log_.error("gate.not_started", {{"error", again.error().sentence()}});
    ++ends_in_row_;
    co_await runtime_.sleep_for(limits::kGatePause);
  }
}

Task<Result<>> GateProcess::start_again(std::uint64_t turn) {
  auto lock = co_await changing_.lock();
  if (turn != turn_ || !place_) co_return Result<>{};
  process_.reset();
  auto before = ports_;
  auto place = *place_;
  CO_TRY(co_await ensure(std::move(place)));
  // Without the sockets of an earlier daemon's gate, the firewall leads to ports where nobody listens.
  if (before != ports_) events_.moved();
  co_return Result<>{};
}

Task<> GateProcess::follow_refusals(std::uint64_t turn) {
  std::int64_t after = 0;
  while (turn == turn_ && runs()) {
    auto text = co_await ask(request("gate.refusals", {{"after", after}}), limits::kGateRefusalsPatience);
    if (turn != turn_) co_return;
    auto refusals = text ? refusals_in(*text) : std::unexpected(text.error());
    if (!refusals) co_await runtime_.sleep_for(limits::kGatePause);
    for (const auto& refusal : refusals.value_or(std::vector<Refusal>())) {
      after = std::max(after, refusal.sequence);
      events_.refused(refusal.vm_id, refusal.sentence);
    }
  }
}

}  // namespace banger::engine
