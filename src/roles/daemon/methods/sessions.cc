// vm.session.*: passed on to the guest, which keeps the sessions.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/byte_string.h"
#include "engine/names.h"
#include "engine/reach/relay.h"
#include "engine/vm/wake.h"
#include "host/files.h"
#include "link/bounds.h"
#include "link/session_spec.h"
#include "roles/daemon/bounds.h"
#include "roles/daemon/methods/methods.h"
#include "roles/daemon/methods/session_object.h"

namespace banger::roles::daemon {

namespace {

struct Guest {
  std::shared_ptr<engine::VmOwner> vm;
  std::shared_ptr<link::Client> client;
  std::string name() const { return vm->record().name(); }
};

/// Reading what a session has done resumes no VM.
enum class Reads { no, yes };

Task<Result<Guest>> guest_of(Daemon& daemon, const Json& params, Reads reads) {
  auto vm = CO_TRY(named_vm(daemon, params));
  if (reads == Reads::no) CO_TRY(co_await engine::wake(vm, engine::Wakes::suspended));
  auto client = CO_TRY(co_await vm->parts().link->client(host::after(limits::kAgentConnectDeadline)));
  co_return Guest{.vm = std::move(vm), .client = std::move(client)};
}

// The name becomes a header of a request.
Result<std::string> session_path(std::string_view route, const Json& params) {
  auto name = TRY(get_string(params, "session"));
  if (name.empty() || name.size() > limits::kSessionNameBytes)
    return fail(ErrorCode::invalid, "the name of a session has 1 to 63 characters", "banger vm session list VM");
  return fmt::format("{}?session={}", route, link::percent_encode(name));
}

struct Request {
  std::string method, path, body = {};
  Reads reads = Reads::no;
  std::chrono::milliseconds deadline = limits::kLinkRequestDeadline;
};

// A call whose answer describes one session.
Task<Result<Json>> call(Daemon& daemon, const Json& params, Request request) {
  auto guest = CO_TRY(co_await guest_of(daemon, params, request.reads));
  auto use = guest.vm->parts().use->begin();
  auto text = CO_TRY(co_await guest.client->call(std::move(request.method), std::move(request.path),
                                                 std::move(request.body), host::after(request.deadline)));
  auto json = CO_TRY(parse_json(text, limits::kLinkJsonBytes));
  co_return api::to_json(CO_TRY(session_object(json, guest.name())));
}

Result<link::SessionSpec> spec_of(const Json& params) {
  auto name = TRY(find_string(params, "name"));
  link::SessionSpec spec{
      .name = name ? *name : engine::random_name(host::random_bytes(4)), .required = {}, .command = {}};
  auto input = value_of(link::kSessionInputWords, TRY(find_string(params, "stdin_mode")).value_or("pipe"));
  spec.input = input.value_or(link::SessionInput::pipe);
  spec.required = TRY(find_strings(params, "require"));
  auto& command = spec.command;
  command.argv = TRY(find_strings(params, "argv"));
  if (const Json* env = find_field(params, "env"))
    for (const auto& [key, value] : env->items()) command.env[key] = value.get<std::string>();
  command.cwd = TRY(find_bytes(params, "cwd")).value_or("");
  command.user = TRY(find_string(params, "user")).value_or("");
  command.term = TRY(find_string(params, "term")).value_or(command.term);
  command.rows = static_cast<std::uint16_t>(TRY(find_int(params, "rows")).value_or(command.rows));
  command.cols = static_cast<std::uint16_t>(TRY(find_int(params, "cols")).value_or(command.cols));
  if (TRY(find_bool(params, "main")).value_or(false)) command.main = link::MainCommand::yes;
  TRY(link::check_session(spec));
  return spec;
}

Task<Result<Json>> start(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto spec = CO_TRY(spec_of(params));
  bool named = CO_TRY(find_string(params, "name")).has_value();
  for (int tries = 1;; ++tries) {
    auto body = CO_TRY(encode_json(link::to_json(spec)));
    auto started = co_await call(daemon, params, {.method = "POST", .path = "/sessions", .body = std::move(body)});
    bool taken = !started && started.error().code == ErrorCode::exists;
    if (named || !taken || tries == limits::kSessionNameTries) co_return started;
    spec.name = engine::random_name(host::random_bytes(4));
  }
}

Task<Result<Json>> list(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto guest = CO_TRY(co_await guest_of(daemon, params, Reads::yes));
  auto text = CO_TRY(co_await guest.client->call("GET", "/sessions", "", host::after(limits::kLinkRequestDeadline)));
  auto json = CO_TRY(parse_json(text, limits::kLinkJsonBytes));
  co_return api::to_json(CO_TRY(session_list(json, guest.name())));
}

Task<Result<Json>> show(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto path = CO_TRY(session_path("/sessions/show", params));
  co_return co_await call(daemon, params, {.method = "GET", .path = std::move(path), .reads = Reads::yes});
}

Task<Result<Json>> remove(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto path = CO_TRY(session_path("/sessions", params));
  co_return co_await call(daemon, params, {.method = "DELETE", .path = std::move(path)});
}

Task<Result<Json>> send(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto path = CO_TRY(session_path("/sessions/send", params));
  auto data = CO_TRY(in("'data'", from_base64(CO_TRY(find_string(params, "data")).value_or(""))));
  if (data.size() > limits::kSessionInputBytes)
    co_return fail(ErrorCode::invalid, fmt::format("one call sends at most {} bytes", limits::kSessionInputBytes),
                   "send more calls, or attach");
  if (CO_TRY(find_bool(params, "close")).value_or(false)) path += "&close=1";
  co_return co_await call(daemon, params, {.method = "POST", .path = std::move(path), .body = std::move(data)});
}

Task<Result<Json>> signal(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto path = CO_TRY(session_path("/sessions/signal", params));
  path += fmt::format("&number={}", CO_TRY(get_int(params, "signal")));
  co_return co_await call(daemon, params, {.method = "POST", .path = std::move(path)});
}

Task<Result<Json>> resize(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto path = CO_TRY(session_path("/sessions/resize", params));
  path += fmt::format("&rows={}&cols={}", CO_TRY(get_int(params, "rows")), CO_TRY(get_int(params, "cols")));
  co_return co_await call(daemon, params, {.method = "POST", .path = std::move(path)});
}

Task<Result<Json>> end(Daemon& daemon, const Json& params, std::chrono::milliseconds grace) {
  auto path = CO_TRY(session_path("/sessions/stop", params));
  path += fmt::format("&timeout_ms={}", grace.count());
  co_return co_await call(daemon, params,
                          {.method = "POST", .path = std::move(path), .deadline = grace + limits::kSessionStopSlack});
}

Task<Result<Json>> stop(Daemon& daemon, const Json& params, rpc::CallContext&) {
  co_return co_await end(daemon, params, CO_TRY(find_ms(params, "timeout_ms")).value_or(limits::kSessionStopGrace));
}

Task<Result<Json>> kill(Daemon& daemon, const Json& params, rpc::CallContext&) {
  co_return co_await end(daemon, params, std::chrono::milliseconds(0));
}

// The whole of a short answer.
Task<Result<std::string>> read_body(link::ClientStream& stream) {
  std::string body;
  while (body.size() < limits::kLinkJsonBytes) {
    auto more = CO_TRY(co_await stream.read());
    if (more.empty()) break;
    body += more;
  }
  co_return body;
}

// A call that becomes a stream. Its result describes the session as it was before.
Task<Result<Json>> open(Daemon& daemon, const Json& params, rpc::CallContext& context, link::Request request,
                        Reads reads) {
  auto guest = CO_TRY(co_await guest_of(daemon, params, reads));
  auto use = guest.vm->parts().use->begin();
  auto path = CO_TRY(session_path("/sessions/show", params));
  auto session = CO_TRY(co_await call(daemon, params, {.method = "GET", .path = std::move(path), .reads = reads}));
  std::shared_ptr<link::ClientStream> stream = CO_TRY(co_await guest.client->open(std::move(request)));
  int status = CO_TRY(co_await stream->status(host::after(limits::kLinkRequestDeadline)));
  if (status >= 400) co_return std::unexpected(link::guest_error(status, CO_TRY(co_await read_body(*stream))));
  auto caller = CO_TRY(co_await context.become_stream(std::move(session)));
  co_await engine::relay(daemon.services.runtime, std::move(caller), stream, engine::OnCallerEnd::reset);
  co_return Json();
}

Task<Result<Json>> logs(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto path = CO_TRY(session_path("/sessions/logs", params));
  if (CO_TRY(find_bool(params, "follow")).value_or(false)) path += "&follow=1";
  path += fmt::format("&since_ms={}", CO_TRY(find_int(params, "since_ms")).value_or(0));
  if (auto only = CO_TRY(find_string(params, "stream"))) path += fmt::format("&stream={}", *only);
  co_return co_await open(daemon, params, context, {.method = "GET", .path = std::move(path)}, Reads::yes);
}

Task<Result<Json>> attach(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto path = CO_TRY(session_path("/sessions/attach", params));
  if (CO_TRY(find_bool(params, "read_only")).value_or(false)) path += "&read_only=1";
  if (CO_TRY(find_bool(params, "steal")).value_or(false)) path += "&steal=1";
  if (auto bytes = CO_TRY(find_int(params, "scrollback_bytes"))) path += fmt::format("&scrollback={}", *bytes);
  co_return co_await open(daemon, params, context, {.method = "POST", .path = std::move(path)}, Reads::no);
}

constexpr Handler kHandlers[] = {
    {"vm.session.start", start},   {"vm.session.list", list},     {"vm.session.show", show},
    {"vm.session.logs", logs},     {"vm.session.attach", attach}, {"vm.session.send", send},
    {"vm.session.signal", signal}, {"vm.session.resize", resize}, {"vm.session.stop", stop},
    {"vm.session.kill", kill},     {"vm.session.delete", remove},
};

}  // namespace

std::span<const Handler> session_handlers() { return kHandlers; }

}  // namespace banger::roles::daemon
