#include "roles/agent/exec/sessions/control.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <initializer_list>

#include "base/text.h"
#include "link/bounds.h"
#include "roles/agent/bounds.h"
#include "roles/agent/exec/sessions/keeper_link.h"

namespace banger::roles::agent {

namespace {

using link::FrameType;

std::string frames_of(std::initializer_list<int> signals) {
  std::string frames;
  for (int number : signals) link::encode_frame(FrameType::signal, std::string(1, static_cast<char>(number)), frames);
  return frames;
}

Task<> write_and_finish(std::shared_ptr<KeeperLink> keeper, std::string frames) {
  if (co_await KeeperLink::write(keeper, std::move(frames))) keeper->finish();
}

Result<std::shared_ptr<KeeperLink>> keeper_of(const ContextPtr& context, const SessionRecord& record) {
  return KeeperLink::connect(context->runtime, context->sessions.directory_of(record.id));
}

// The keeper closes the connection when it has taken all frames.
Task<Result<>> deliver(ContextPtr context, SessionRecord record, std::string frames, const char* late) {
  auto keeper = CO_TRY(keeper_of(context, record));
  context->runtime.spawn(write_and_finish(keeper, std::move(frames)));
  if (co_await KeeperLink::wait_for_end(keeper, host::after(limits::kSessionSendDeadline))) co_return Result<>();
  co_return fail(ErrorCode::timeout, fmt::format("session '{}' {}", printable(record.name), late));
}

Task<Result<bool>> end_with(ContextPtr context, SessionRecord record, std::string frames,
                            std::chrono::milliseconds wait) {
  auto keeper = keeper_of(context, record);
  if (!keeper)
    co_return keeper.error().code == ErrorCode::not_found ? Result<bool>(true)
                                                          : std::unexpected(std::move(keeper).error());
  (void)co_await KeeperLink::write(*keeper, std::move(frames));
  co_return co_await KeeperLink::wait_for_end(*keeper, host::after(wait));
}

}  // namespace

Task<Result<>> give_input(ContextPtr context, SessionRecord record, std::string input, EndInput end) {
  if (record.input == link::SessionInput::none)
    co_return fail(ErrorCode::unsupported, fmt::format("session '{}' has no input", printable(record.name)),
                   "start it with --stdin-mode pipe");
  std::string frames;
  for (std::string_view rest = input; !rest.empty();) {
    link::encode_frame(FrameType::stdin_data, rest.substr(0, limits::kLinkFrameBytes), frames);
    rest.remove_prefix(std::min(rest.size(), limits::kLinkFrameBytes));
  }
  if (end == EndInput::yes) link::encode_frame(FrameType::stdin_end, {}, frames);
  co_return co_await deliver(context, std::move(record), std::move(frames),
                             "does not read its input; a part of yours may wait there");
}

Task<Result<>> give_signal(ContextPtr context, SessionRecord record, int number) {
  auto frames = frames_of({number});
  co_return co_await deliver(context, std::move(record), std::move(frames), "did not take the signal in time");
}

Task<Result<>> give_size(ContextPtr context, SessionRecord record, std::uint16_t rows, std::uint16_t columns) {
  if (record.input != link::SessionInput::pty)
    co_return fail(ErrorCode::unsupported, fmt::format("session '{}' has no terminal", printable(record.name)));
  std::string frames;
  char size[4] = {static_cast<char>(rows >> 8), static_cast<char>(rows), static_cast<char>(columns >> 8),
                  static_cast<char>(columns)};
  link::encode_frame(FrameType::resize, {size, sizeof size}, frames);
  co_return co_await deliver(context, std::move(record), std::move(frames), "did not take the size in time");
}

Task<Result<>> end_session(ContextPtr context, SessionRecord record, std::chrono::milliseconds grace) {
  // A stopped process gets a signal only when it runs.
  auto gently =
      record.input == link::SessionInput::pty ? frames_of({SIGHUP, SIGTERM, SIGCONT}) : frames_of({SIGTERM, SIGCONT});
  bool ended = grace.count() > 0 && CO_TRY(co_await end_with(context, record, std::move(gently), grace));
  if (!ended) ended = CO_TRY(co_await end_with(context, record, frames_of({SIGKILL}), limits::kSessionKillDeadline));
  if (ended) co_return Result<>();
  co_return fail(ErrorCode::timeout, fmt::format("session '{}' did not end after SIGKILL", printable(record.name)),
                 "its command may wait for a disk; try again");
}

}  // namespace banger::roles::agent
