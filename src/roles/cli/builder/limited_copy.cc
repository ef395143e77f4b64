#include "roles/cli/builder/limited_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/text.h"
#include "host/files.h"
#include "roles/cli/bounds.h"
#include "roles/cli/builder/bounds.h"
#include "tar/room.h"

namespace banger::roles::cli {

Result<BytePipe> BytePipe::make() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  (void)::fcntl(ends[0], F_SETPIPE_SZ, static_cast<int>(limits::kCopyPipeBytes));
  return BytePipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

namespace {

/// Returns false when `watched` has no reader.
Result<bool> wait_for_bytes(int from, int watched) {
  std::array<pollfd, 2> ends = {
      {{.fd = from, .events = POLLIN, .revents = 0}, {.fd = watched, .events = 0, .revents = 0}}};
  while (::poll(ends.data(), ends.size(), -1) < 0)
    if (errno != EINTR) return fail_errno("poll");
  return (ends[1].revents & POLLERR) == 0;
}

}  // namespace

Result<bool> copy_while_read(int from, int to, int watched) {
  std::string piece(limits::kCopyPipeBytes, '\0');
  while (TRY(wait_for_bytes(from, watched))) {
    auto got = ::read(from, piece.data(), piece.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail_errno("read");
    if (got == 0) return true;
    TRY(host::write_all(to, std::string_view(piece).substr(0, static_cast<std::size_t>(got))));
  }
  return false;
}

namespace {

/// Returns when `from` has bytes, or its end.
Result<> wait_for_bytes_or_stop(int from, const image::StopFlag* stop) {
  pollfd end{.fd = from, .events = POLLIN, .revents = 0};
  while (stop) {
    if (image::requested(stop)) return fail(ErrorCode::cancelled, "interrupted");
    auto ready = ::poll(&end, 1, static_cast<int>(limits::kSilentCopyPoll.count()));
    if (ready < 0 && errno != EINTR) return fail_errno("poll");
    if (ready > 0) return {};
  }
  return {};
}

}  // namespace

Result<> copy_limited(int from, int to, const std::string& directory, std::uint64_t most, const image::StopFlag* stop) {
  auto place = TRY(host::open_file(directory, O_RDONLY | O_DIRECTORY));
  tar::Room room(place.get(), TRY(tar::reserve_in(directory)));
  std::string piece(limits::kCopyPipeBytes, '\0');
  for (std::uint64_t copied = 0;;) {
    TRY(wait_for_bytes_or_stop(from, stop));
    auto got = ::read(from, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read");
    if (got == 0) return {};
    auto bytes = static_cast<std::size_t>(got);
    copied += bytes;
    if (copied > most)
      return fail(ErrorCode::exhausted, fmt::format("the guest sends more than {}", format_size(most)));
    TRY(room.take(bytes));
    TRY(host::write_all(to, std::string_view(piece).substr(0, bytes)));
  }
}

}  // namespace banger::roles::cli
