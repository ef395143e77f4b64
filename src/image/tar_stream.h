// Writes a tar stream into an ext4 image. The writing blocks on the pool while a coroutine watches.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "ext4/ext4.h"
#include "host/runtime.h"

namespace banger::image {

struct TarPipe {
  UniqueFd read, write;
};
Result<TarPipe> make_tar_pipe();
/// A descriptor to read `text` from.
Result<UniqueFd> text_input(std::string_view text);

class TarStream {
 public:
  /// Reads the stream and writes a file system. Blocks.
  using Writer = std::function<Result<ext4::Ext4Stats>(int tar_fd, const ext4::Progress& progress)>;

  /// The same with a writer of the caller.
  static std::shared_ptr<TarStream> start(host::Runtime& runtime, UniqueFd tar, Writer writer);
  /// Starts writing. The object lives at least as long as the writing. `tar` is closed at the end. Errors of
  /// check_room() too.
  static std::shared_ptr<TarStream> start(host::Runtime& runtime, UniqueFd tar, std::string path,
                                          ext4::Ext4Options options);

  /// Ends the writing of a file system early, as `cancelled`.
  void stop() { stop_.store(true, std::memory_order_relaxed); }
  bool ended() const { return result_.has_value(); }
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  /// Waits until the writing ends, at most a fifth of a second.
  Task<> wait_briefly();
  /// The result. `timeout` when the process at the other end neither writes nor closes it.
  Task<Result<ext4::Ext4Stats>> wait();

 private:
  explicit TarStream(host::Runtime& runtime, UniqueFd tar) : tar_(std::move(tar)), done_(runtime) {}
  static Task<> write(std::shared_ptr<TarStream> self, host::Runtime& runtime, Writer writer);
  UniqueFd tar_;
  host::Event done_;
  std::optional<Result<ext4::Ext4Stats>> result_;  ///< control thread only
  std::atomic<std::uint64_t> bytes_ = 0;
  std::atomic<bool> stop_ = false;
};

}  // namespace banger::image
