#include "roles/cli/workspace/look.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/byte_string.h"
#include "roles/cli/bounds.h"
#include "roles/cli/copy_transfer.h"
#include "workspace/bounds.h"
#include "workspace/tree_report.h"

namespace banger::roles::cli {

namespace {

enum class Ask { report, confirm };

// Sends as much as the socket takes. The end of the question shuts down this side.
Result<> send_some(int socket, std::string_view& question) {
  auto count = ::send(socket, question.data(), question.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0 && errno != EAGAIN && errno != EINTR) return fail_errno("ask the guest");
  question.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (question.empty()) ::shutdown(socket, SHUT_WR);
  return {};
}

// Reads the answer to its end while the question is sent.
Result<std::string> exchange(const client::Stream& stream, const Signals& signals, std::string_view question) {
  int socket = stream.socket.get();
  auto answer = stream.first_bytes;
  std::string chunk(limits::kCopyPipeBytes, '\0');
  if (question.empty()) ::shutdown(socket, SHUT_WR);
  for (;;) {
    short events = static_cast<short>(POLLIN | (question.empty() ? 0 : POLLOUT));
    pollfd waiting[2] = {{socket, events, 0}, {signals.fd(), POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 && errno != EINTR) return fail_errno("poll");
    if (waiting[1].revents) return fail(ErrorCode::cancelled, "interrupted");
    if (waiting[0].revents & POLLOUT) TRY(send_some(socket, question));
    if (!(waiting[0].revents & (POLLIN | POLLHUP | POLLERR))) continue;
    auto count = ::read(socket, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read the guest's answer");
    if (count == 0) return answer;
    answer.append(chunk, 0, static_cast<std::size_t>(count));
    if (answer.size() > limits::kTreeAnswerBytes) return fail(ErrorCode::exhausted, "the guest's answer is too long");
  }
}

Result<std::string> ask(Io& io, const GuestPlace& place, Ask what, std::string_view question = {}) {
  auto daemon = TRY(Daemon::connect(io));
  auto stream = TRY(daemon.open_stream(
      "vm.report_tree", {{"vm", place.vm}, {"path", to_byte_string(place.path)}, {"confirm", what == Ask::confirm}}));
  return exchange(stream, daemon.signals(), question);
}

Result<workspace::GuestTree> read_whole_tree(Io& io, const GuestPlace& place, CopyReport& report) {
  workspace::GuestTree tree;
  auto read = [&](int fd) -> Result<> {
    tree = TRY(workspace::read_guest_tree(fd, "tree"));
    return {};
  };
  TRY(in(fmt::format("look at {}", place.text()), download_tar(io, place.as_path(), "tree", {}, report, read)));
  return tree;
}

}  // namespace

Result<workspace::GuestTree> report_of_guest(Io& io, const GuestPlace& place) {
  return workspace::read_tree_report(TRY(ask(io, place, Ask::report)));
}

EarlyReport::EarlyReport(Io io, GuestPlace place)
    : report_(std::async(std::launch::async, [io = std::move(io), place = std::move(place)]() mutable {
        return report_of_guest(io, place);
      })) {}

Result<GuestLook> look_at_guest(Io& io, Daemon& daemon, const GuestPlace& place, Result<workspace::GuestTree> told,
                                CopyReport& report) {
  if (told) return GuestLook{.tree = std::move(*told), .whole = false};
  if (told.error().code == ErrorCode::cancelled) return std::unexpected(std::move(told.error()));
  // Whatever went wrong, this way tells it, or works.
  if (TRY(find_in_guest(daemon, place)) == Present::nothing) return GuestLook{};
  return GuestLook{.tree = TRY(read_whole_tree(io, place, report))};
}

Result<workspace::FileStates> look_at_files(Io& io, const GuestPlace& place, const std::vector<std::string>& names) {
  std::string question;
  for (const auto& name : names) question += name + '\0';
  auto text = TRY(in(fmt::format("look at {}", place.text()), ask(io, place, Ask::report, question)));
  return workspace::read_files_report(text);
}

Result<> confirm_in_guest(Io& io, const GuestPlace& place) {
  TRY(ask(io, place, Ask::confirm));
  return {};
}

}  // namespace banger::roles::cli
