#include "egress/http2_pipe.h"

#include <algorithm>

#include "egress/bounds.h"

namespace banger::egress {

// Joins small pieces, because the window bounds their bytes and not their number.
void Http2Pipe::push(std::string_view bytes) {
  if (closed_) return;
  size_ += bytes.size();
  while (!bytes.empty()) {
    if (chunks_.empty() || chunks_.back().size() == chunks_.back().capacity()) {
      bool first = chunks_.empty();
      chunks_.emplace_back();
      chunks_.back().reserve(first ? bytes.size() : limits::kRelayChunkBytes);
    }
    auto& last = chunks_.back();
    auto part = bytes.substr(0, last.capacity() - last.size());
    last.append(part);
    bytes.remove_prefix(part.size());
  }
}

void Http2Pipe::pull(std::size_t count, std::string& into) {
  size_ -= count;
  while (count > 0) {
    auto& front = chunks_.front();
    auto part = std::min(count, front.size() - at_);
    into.append(front, at_, part);
    at_ += part;
    count -= part;
    if (at_ < front.size()) continue;
    chunks_.pop_front();
    at_ = 0;
  }
}

void Http2Pipe::close() {
  closed_ = true;
  chunks_.clear();
  at_ = size_ = 0;
  trailers.clear();
}

}  // namespace banger::egress
