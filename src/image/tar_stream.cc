#include "image/tar_stream.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bounds.h"
#include "host/files.h"
#include "image/bounds.h"
#include "image/room.h"

namespace banger::image {

using namespace std::chrono_literals;

Result<TarPipe> make_tar_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) return fail_errno("pipe");
  TarPipe pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
  (void)::fcntl(fds[1], F_SETPIPE_SZ,
                static_cast<int>(limits::kMiB));  // for fewer wake-ups; a refusal does no other harm
  return pipe;
}

Result<UniqueFd> text_input(std::string_view text) {
  UniqueFd fd(::memfd_create("input", MFD_CLOEXEC));
  if (!fd) return fail_errno("memfd_create");
  if (auto written = host::write_all(fd.get(), text); !written) return std::unexpected(std::move(written.error()));
  if (::lseek(fd.get(), 0, SEEK_SET) < 0) return fail_errno("lseek");
  return fd;
}

std::shared_ptr<TarStream> TarStream::start(host::Runtime& runtime, UniqueFd tar, std::string path,
                                            ext4::Ext4Options options) {
  std::shared_ptr<TarStream> stream(new TarStream(runtime, std::move(tar)));
  options.stop = &stream->stop_;
  options.room = [directory = path.substr(0, path.rfind('/'))] { return check_room(directory); };
  auto writer = [path, options](int fd, const ext4::Progress& progress) {
    return ext4::write_ext4_from_tar(fd, path, options, progress);
  };
  runtime.spawn(write(stream, runtime, std::move(writer)));
  return stream;
}

std::shared_ptr<TarStream> TarStream::start(host::Runtime& runtime, UniqueFd tar, Writer writer) {
  std::shared_ptr<TarStream> stream(new TarStream(runtime, std::move(tar)));
  runtime.spawn(write(stream, runtime, std::move(writer)));
  return stream;
}

Task<> TarStream::write(std::shared_ptr<TarStream> self, host::Runtime& runtime, Writer writer) {
  auto result = co_await runtime.blocking([&] {
    auto progress = [&](std::uint64_t done) { self->bytes_.store(done, std::memory_order_relaxed); };
    auto written = writer(self->tar_.get(), progress);
    self->tar_.reset();  // the other end gets EPIPE, because no reader is left
    return written;
  });
  self->result_ = std::move(result);
  self->done_.notify_all();
}

Task<> TarStream::wait_briefly() {
  if (!ended()) co_await done_.wait(host::after(limits::kToolTick));
}

Task<Result<ext4::Ext4Stats>> TarStream::wait() {
  auto deadline = host::after(limits::kImageBuildDeadline);
  while (!ended())
    if (!co_await done_.wait(deadline) && !ended()) co_return fail(ErrorCode::timeout, "the tar stream did not end");
  co_return *result_;
}

}  // namespace banger::image
