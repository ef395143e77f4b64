#include "roles/agent/exec/sessions/client.h"

#include <fmt/format.h>

#include "base/text.h"
#include "roles/agent/bounds.h"

namespace banger::roles::agent {

namespace {

using link::FrameType;

Task<> watch_keeper(SessionClientPtr client) {
  while (co_await KeeperLink::wait_for_news(client->keeper)) {
    ++client->news;
    client->changed.notify_all();
  }
  client->ended = true;
  client->changed.notify_all();
}

bool is_input(FrameType type) {
  return type == FrameType::stdin_data || type == FrameType::stdin_end || type == FrameType::signal ||
         type == FrameType::resize;
}

// Reads the client to its end, which also shows that the client has gone.
Task<> listen(SessionClientPtr client) {
  link::FrameDecoder decoder;
  while (!client->gone) {
    auto frame = decoder.next();
    if (!frame || (*frame && !is_input((*frame)->type))) break;
    if (*frame) {
      std::string bytes;
      link::encode_frame((*frame)->type, (*frame)->payload, bytes);
      if (client->writes && !client->stolen && !client->ended)
        (void)co_await KeeperLink::write(client->keeper, std::move(bytes));
      continue;
    }
    auto bytes = co_await client->stream->read();
    if (!bytes || bytes->empty()) break;
    decoder.feed(*bytes);
  }
  client->gone = true;
  client->changed.notify_all();
}

Task<bool> send(SessionClientPtr client, FrameType type, std::string payload) {
  std::string bytes;
  link::encode_frame(type, payload, bytes);
  auto sent = co_await client->stream->write(std::move(bytes));
  co_return bool(sent);
}

// Sends what the log has. Returns false when the client has gone.
Task<bool> send_log(SessionClientPtr client) {
  while (!client->gone && !client->stolen) {
    auto frame = client->reader.next();
    if (!frame) break;
    if (!client->wants(frame->type)) continue;
    if (!co_await send(client, frame->type, std::move(frame->payload))) co_return false;
  }
  co_return !client->gone;
}

// The last frame: how the session has ended, or why the client gets no more.
Task<> send_end(SessionClientPtr client) {
  const auto& name = client->record.name;
  link::ExecExit end;
  auto now = client->context->sessions.get(client->record.id);
  if (client->stolen)
    end = {.code = 125, .message = fmt::format("another client has taken session '{}' over", name)};
  else if (!client->keeper)
    end = {.code = 0};
  else if (!now || now->state != SessionState::exited)
    end = {.code = 125, .message = fmt::format("session '{}' has ended, and nobody knows how", name)};
  else
    end = {.code = static_cast<int>(now->code),
           .signal = static_cast<int>(now->signal),
           .message = {},
           .ending = !now->reason.empty()};
  auto type = end.message.empty() ? FrameType::exit : FrameType::failed;
  if (co_await send(client, type, link::encode_exit(end))) (void)co_await client->stream->finish();
}

Task<> wait_for_change(SessionClientPtr client, std::uint64_t seen) {
  while (client->news == seen && !client->ended && !client->gone && !client->stolen) {
    if (co_await client->changed.wait(host::after(limits::kSessionProbe))) continue;
    // While the input is stuck nobody reads from the client. So only a write shows that it has gone; try an empty one.
    if (!co_await client->stream->write({})) client->gone = true;
  }
}

}  // namespace

Result<> claim_input(const SessionClientPtr& client, bool steal) {
  auto& slot = client->context->session_writers[client->record.id];
  if (auto other = slot.lock(); other && !other->gone) {
    if (!steal)
      return fail(ErrorCode::busy,
                  fmt::format("another client is attached to session '{}'", printable(client->record.name)),
                  "take the session over with --steal, or watch with --read-only");
    other->stolen = true;
    other->changed.notify_all();
  }
  slot = client;
  client->writes = true;
  return {};
}

Task<> serve_client(SessionClientPtr client) {
  auto& runtime = client->context->runtime;
  if (client->keeper) runtime.spawn(watch_keeper(client));
  runtime.spawn(listen(client));
  for (;;) {
    auto seen = client->news;
    // Looked up before the log is read: a keeper writes all of the log before it ends.
    bool last = client->ended || !client->keeper;
    if (!co_await send_log(client)) break;
    if (client->stolen || last) {
      co_await send_end(client);
      break;
    }
    co_await wait_for_change(client, seen);
  }
  client->gone = true;
  if (client->keeper) client->keeper->close();
  auto slot = client->context->session_writers.find(client->record.id);
  if (slot != client->context->session_writers.end() && slot->second.lock() == client)
    client->context->session_writers.erase(slot);
  // This is the last handle. The listener's read ends with it.
  client->stream.reset();
}

}  // namespace banger::roles::agent
