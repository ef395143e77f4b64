// The requests about sessions. `session` in a query is a name or an id.
//
//   POST /sessions           the body is the spec (link/session_spec.h); starts a session
//   GET /sessions            all sessions
//   GET /sessions/show       ?session=
//   DELETE /sessions         ?session=; an ended one
//   GET /sessions/logs       ?session=&follow=1&since_ms=&stream=stdout|stderr
//   POST /sessions/attach    ?session=&read_only=1&steal=1&scrollback=BYTES
//   POST /sessions/send      ?session=&close=1; the body is input
//   POST /sessions/signal    ?session=&number=
//   POST /sessions/resize    ?session=&rows=&cols=
//   POST /sessions/stop      ?session=&timeout_ms=; 0 kills at once
#include "roles/agent/routes.h"

#include <fmt/format.h>
#include <signal.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "link/bounds.h"
#include "link/session_bounds.h"
#include "roles/agent/bounds.h"
#include "roles/agent/exec/sessions/client.h"
#include "roles/agent/exec/sessions/control.h"
#include "roles/agent/exec/sessions/start.h"

namespace banger::roles::agent {

namespace {

Result<std::optional<std::int64_t>> find_number(const link::ServerStream& stream, std::string_view key) {
  auto text = stream.query(key);
  if (!text) return std::nullopt;
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size() || number < 0)
    return fail(ErrorCode::invalid, fmt::format("'{}' must be a whole number", key));
  return number;
}

bool has_flag(const link::ServerStream& stream, std::string_view key) { return stream.query(key) == "1"; }

Task<Result<SessionRecord>> named(ContextPtr context, StreamPtr stream) {
  auto name = stream->query("session").value_or("");
  co_return co_await context->runtime.blocking([sessions = context->sessions, name] { return sessions.get(name); });
}

Result<> check_live(const SessionRecord& record) {
  if (record.live()) return {};
  return fail(ErrorCode::unavailable, fmt::format("session '{}' has ended", printable(record.name)),
              "its log and its end are kept: 'banger vm session logs' and 'show'");
}

// At most so long, so that a list of all sessions fits into one answer.
std::string brief(std::string_view text) {
  return printable(text, limits::kSessionTextBytes).substr(0, limits::kSessionTextBytes);
}

Json describe(const Context& context, const SessionRecord& record) {
  std::string command;
  for (const auto& word : record.argv) {
    if (command.size() > limits::kSessionTextBytes) break;
    command += (command.empty() ? "" : " ") + shell_quote(word);
  }
  auto writer = context.session_writers.find(record.id);
  return {{"id", record.id},
          {"name", record.name},
          {"command", brief(command)},
          {"cwd", brief(record.cwd)},
          {"user", brief(record.user)},
          {"input", word_of(link::kSessionInputWords, record.input)},
          {"state", word_of(kSessionStateWords, record.state)},
          {"pid", record.pid},
          {"code", record.code},
          {"signal", record.signal},
          {"reason", printable(record.reason, limits::kSessionReasonBytes)},
          {"started_ms", record.started_ms},
          {"ended_ms", record.ended_ms},
          {"attached", writer != context.session_writers.end() && !writer->second.expired()}};
}

// Runs the part of a route that may fail. Its value is the answer.
Task<> answer(StreamPtr stream, Task<Result<Json>> work) {
  auto json = co_await std::move(work);
  if (json)
    (void)co_await stream->reply_json(200, dump_json(*json));
  else
    (void)co_await stream->reply_error(json.error());
}

Task<Result<Json>> start(ContextPtr context, StreamPtr stream) {
  auto body = CO_TRY(co_await stream->body(limits::kExecSpecBytes));
  auto spec = CO_TRY(link::session_spec_from_json(CO_TRY(parse_json(body, limits::kExecSpecBytes))));
  auto record = CO_TRY(co_await launch_session(context, std::move(spec)));
  co_return describe(*context, record);
}

Task<Result<Json>> list(ContextPtr context) {
  auto all = co_await context->runtime.blocking([sessions = context->sessions] { return sessions.list(); });
  Json rows = Json::array();
  for (const auto& record : all) rows.push_back(describe(*context, record));
  co_return Json{{"sessions", std::move(rows)}};
}

Task<Result<Json>> show(ContextPtr context, StreamPtr stream) {
  co_return describe(*context, CO_TRY(co_await named(context, stream)));
}

Task<Result<Json>> remove(ContextPtr context, StreamPtr stream) {
  auto record = CO_TRY(co_await named(context, stream));
  CO_TRY(
      co_await context->runtime.blocking([sessions = context->sessions, record] { return sessions.remove(record); }));
  co_return describe(*context, record);
}

Task<Result<Json>> send_input(ContextPtr context, StreamPtr stream) {
  auto record = CO_TRY(co_await named(context, stream));
  CO_TRY(check_live(record));
  auto input = CO_TRY(co_await stream->body(limits::kSessionInputBytes));
  CO_TRY(co_await give_input(context, record, std::move(input),
                             has_flag(*stream, "close") ? EndInput::yes : EndInput::no));
  co_return describe(*context, record);
}

Task<Result<Json>> signal(ContextPtr context, StreamPtr stream) {
  auto record = CO_TRY(co_await named(context, stream));
  CO_TRY(check_live(record));
  auto number = CO_TRY(find_number(*stream, "number")).value_or(0);
  if (number < 1 || number > SIGRTMAX) co_return fail(ErrorCode::invalid, "there is no such signal");
  CO_TRY(co_await give_signal(context, record, static_cast<int>(number)));
  co_return describe(*context, record);
}

Task<Result<Json>> resize(ContextPtr context, StreamPtr stream) {
  auto record = CO_TRY(co_await named(context, stream));
  CO_TRY(check_live(record));
  auto rows = CO_TRY(find_number(*stream, "rows")).value_or(0), cols = CO_TRY(find_number(*stream, "cols")).value_or(0);
  if (rows > UINT16_MAX || cols > UINT16_MAX) co_return fail(ErrorCode::invalid, "a terminal is not that large");
  CO_TRY(co_await give_size(context, record, static_cast<std::uint16_t>(rows), static_cast<std::uint16_t>(cols)));
  co_return describe(*context, record);
}

Task<Result<Json>> stop(ContextPtr context, StreamPtr stream) {
  auto record = CO_TRY(co_await named(context, stream));
  CO_TRY(check_live(record));
  auto timeout = CO_TRY(find_number(*stream, "timeout_ms")).value_or(limits::kSessionStopGrace.count());
  CO_TRY(co_await end_session(context, record, std::chrono::milliseconds(timeout)));
  co_return describe(*context, CO_TRY(co_await named(context, stream)));
}

Task<Result<SessionClientPtr>> attached(ContextPtr context, StreamPtr stream) {
  auto record = CO_TRY(co_await named(context, stream));
  CO_TRY(check_live(record));
  auto directory = context->sessions.directory_of(record.id);
  auto scrollback =
      static_cast<std::uint64_t>(CO_TRY(find_number(*stream, "scrollback")).value_or(limits::kScrollbackBytes));
  auto reader = co_await context->runtime.blocking([=] { return LogReader::tail(directory, scrollback); });
  auto client = std::make_shared<SessionClient>(context, stream, record, std::move(reader));
  client->keeper = CO_TRY(KeeperLink::connect(context->runtime, directory));
  if (!has_flag(*stream, "read_only")) CO_TRY(claim_input(client, has_flag(*stream, "steal")));
  co_return client;
}

Task<Result<SessionClientPtr>> reading(ContextPtr context, StreamPtr stream) {
  auto record = CO_TRY(co_await named(context, stream));
  auto directory = context->sessions.directory_of(record.id);
  auto since = CO_TRY(find_number(*stream, "since_ms")).value_or(0);
  auto reader = co_await context->runtime.blocking([=] { return LogReader::since(directory, since); });
  auto client = std::make_shared<SessionClient>(context, stream, record, std::move(reader));
  if (has_flag(*stream, "follow") && record.live())
    if (auto keeper = KeeperLink::connect(context->runtime, directory)) client->keeper = std::move(*keeper);
  if (auto only = stream->query("stream"))
    client->wants = [left_out = *only == "stdout" ? link::FrameType::stderr_data : link::FrameType::stdout_data](
                        link::FrameType type) { return type != left_out; };
  co_return client;
}

Task<> stream_to(StreamPtr stream, Task<Result<SessionClientPtr>> opening) {
  auto client = co_await std::move(opening);
  if (!client) {
    (void)co_await stream->reply_error(client.error());
    co_return;
  }
  // The client has the handle from now on.
  auto answered = co_await stream->respond(200, {{"content-type", "application/octet-stream"}});
  std::string started;
  link::encode_frame(link::FrameType::started, {}, started);
  if (answered) answered = co_await stream->write(std::move(started));
  if (!answered) (*client)->gone = true;
  co_await serve_client(std::move(*client));
}

}  // namespace

Task<> start_session(ContextPtr context, StreamPtr stream) { co_await answer(stream, start(context, stream)); }
Task<> list_sessions(ContextPtr context, StreamPtr stream) { co_await answer(stream, list(context)); }
Task<> show_session(ContextPtr context, StreamPtr stream) { co_await answer(stream, show(context, stream)); }
Task<> remove_session(ContextPtr context, StreamPtr stream) { co_await answer(stream, remove(context, stream)); }
Task<> send_session(ContextPtr context, StreamPtr stream) { co_await answer(stream, send_input(context, stream)); }
Task<> signal_session(ContextPtr context, StreamPtr stream) { co_await answer(stream, signal(context, stream)); }
Task<> resize_session(ContextPtr context, StreamPtr stream) { co_await answer(stream, resize(context, stream)); }
Task<> stop_session(ContextPtr context, StreamPtr stream) { co_await answer(stream, stop(context, stream)); }
Task<> attach_session(ContextPtr context, StreamPtr stream) { co_await stream_to(stream, attached(context, stream)); }
Task<> log_session(ContextPtr context, StreamPtr stream) { co_await stream_to(stream, reading(context, stream)); }

}  // namespace banger::roles::agent
