// Decompresses on a thread of its own, a few MiB ahead of the reader.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "tar/byte_source.h"

namespace banger::tar {

/// The decompressed bytes of a gzip, zstd or plain stream (tar/decoder.h). Its thread starts at once and holds at most
/// limits::kDecodedAheadBytes. The destruction ends the thread, after a read(2) in progress.
class AheadSource : public ByteSource {
 public:
  /// `fd` is borrowed and belongs to the thread.
  static Result<std::unique_ptr<AheadSource>> start(int fd);
  ~AheadSource() override;

  Result<std::string_view> next() override;

 private:
  AheadSource() = default;
  Result<> decode(int fd, std::stop_token stop);
  std::string free_chunk();
  bool push(std::string chunk, std::stop_token stop);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::string> ready_;
  std::vector<std::string> free_;
  Result<> ended_;  ///< valid with `done_`
  bool done_ = false;

  std::string current_;    ///< the reader's
  std::jthread decoding_;  ///< the last member, so that it ends before the members that it uses
};

}  // namespace banger::tar
