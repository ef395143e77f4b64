#include "tar/ahead.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "tar/bounds.h"
#include "tar/decoder.h"

namespace banger::tar {

Result<std::unique_ptr<AheadSource>> AheadSource::start(int fd) {
  std::unique_ptr<AheadSource> made(new AheadSource);
  AheadSource& self = *made;
  try {
    self.decoding_ = std::jthread([&self, fd](std::stop_token stop) {
      Result<> ended = self.decode(fd, stop);
      std::lock_guard lock(self.mutex_);
      self.ended_ = std::move(ended);
      self.done_ = true;
      self.changed_.notify_all();
    });
  } catch (const std::system_error& error) {
    return fail_errno("start a thread", error.code().value());
  }
  return made;
}

AheadSource::~AheadSource() = default;

Result<> AheadSource::decode(int fd, std::stop_token stop) {
  auto decoder = TRY(open_decoder(fd));
  for (;;) {
    std::string chunk = free_chunk();
    std::size_t size = TRY(decoder->read(chunk));
    bool last = size < chunk.size();
    chunk.resize(size);
    if ((size > 0 && !push(std::move(chunk), stop)) || last) return {};
  }
}

std::string AheadSource::free_chunk() {
  std::string chunk;
  {
    std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      chunk = std::move(free_.back());
      free_.pop_back();
    }
  }
  chunk.resize(limits::kDecodedChunkBytes);
  return chunk;
}

bool AheadSource::push(std::string chunk, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  constexpr std::size_t kMost = limits::kDecodedAheadBytes / limits::kDecodedChunkBytes;
  if (!changed_.wait(lock, stop, [&] { return ready_.size() < kMost; })) return false;
  ready_.push_back(std::move(chunk));
  changed_.notify_all();
  return true;
}

Result<std::string_view> AheadSource::next() {
  std::unique_lock lock(mutex_);
  if (!current_.empty()) free_.push_back(std::exchange(current_, {}));
  changed_.wait(lock, [&] { return !ready_.empty() || done_; });
  if (ready_.empty()) {
    if (!ended_) return std::unexpected(ended_.error());
    return std::string_view();
  }
  current_ = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
  return std::string_view(current_);
}

}  // namespace banger::tar
