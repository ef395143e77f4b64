// ImageStore::add_guest: from the tar stream of a guest to a complete image directory.
#include <fmt/format.h>

#include <ctime>

#include "base/text.h"
#include "host/files.h"
#include "image/bounds.h"
#include "image/complete.h"
#include "image/manifest.h"
#include "image/pulled_documents.h"
#include "image/room.h"
#include "image/staged_directory.h"
#include "image/stoppable.h"
#include "image/store.h"
#include "image/tar_stream.h"

namespace banger::image {

namespace {

/// Written on the pool, read after the stream has ended.
struct Marks {
  LeftOut left_out;
  void add(std::string_view name, std::string_view reason) {
    if (left_out.some.size() < limits::kLeftOutNames)
      left_out.some.emplace_back(name.substr(0, limits::kLeftOutTextBytes),
                                 reason.substr(0, limits::kLeftOutTextBytes));
    else
      ++left_out.more;
  }
};

/// Why the stream has to end now.
std::optional<Error> reason_to_stop(const Feed& feed, std::chrono::milliseconds patience, host::Deadline deadline,
                                    const host::Cancel& cancel, const std::string& directory) {
  auto now = host::Clock::now();
  if (cancel.requested()) return Error{ErrorCode::cancelled, "cancelled"};
  if (now - feed.last_heard() > patience)
    return Error{ErrorCode::timeout, "the guest stopped sending its files", 0, "try again when the guest is less busy"};
  if (now > deadline) return Error{ErrorCode::timeout, "the guest did not send all its files in time"};
  auto room = check_room(directory);
  return room ? std::nullopt : std::optional(room.error());
}

}  // namespace

Task<Result<std::pair<Image, LeftOut>>> ImageStore::add_guest(GuestImage made, StageProgress progress,
                                                              host::Cancel& cancel) {
  auto image = std::move(made.image);
  CO_TRY(check_store_name("image", image.name));
  image.id = host::random_id();
  auto staged = CO_TRY(StagedDirectory::make(directory_, image.id));
  std::int64_t timestamp = std::time(nullptr);
  auto marks = std::make_shared<Marks>();
  auto pipe = CO_TRY(make_tar_pipe());
  auto write = [marks, path = staged.file("rootfs.ext4"), options = rootfs_options(image.name, timestamp),
                most = made.max_content_bytes](int fd, const ext4::Progress& written) {
    auto left_out = [marks](auto name, auto reason) { marks->add(name, reason); };
    return ext4::write_ext4_from_guest(fd, path, options, {.max_content_bytes = most, .left_out = left_out}, written);
  };
  auto feed = CO_TRY(Feed::start(runtime_, std::move(made.tar), std::move(pipe.write)));
  auto stream = TarStream::start(runtime_, std::move(pipe.read), write);
  auto deadline = host::after(limits::kGuestImageDeadline);
  while (!stream->ended()) {
    co_await stream->wait_briefly();
    progress("write", format_size(stream->bytes()), -1);
    if (auto reason = reason_to_stop(*feed, made.patience, deadline, cancel, directory_))
      feed->stop(std::move(*reason));
  }
  auto written = co_await stream->wait();
  // The writer's error is only the consequence when the stream broke.
  if (feed->error()) co_return std::unexpected(*feed->error());
  if (!written) co_return std::unexpected(std::move(written.error()));
  progress("finish", "", -1);
  image = CO_TRY(co_await stoppable(runtime_, cancel, [&](const StopFlag* stop) -> Result<Image> {
    if (!image.base.manifest.empty()) TRY(write_documents(staged.path(), made.documents));
    return complete_image(staged, image, timestamp, stop);
  }));
  CO_TRY(cancel.check());
  auto published = CO_TRY(co_await publish(std::move(staged), std::move(image), NameTaken::replace));
  co_return std::pair{std::move(published), std::move(marks->left_out)};
}

}  // namespace banger::image
