// The data that one HTTP/2 stream has received or still has to send. The stream's session, handle and waiting
// coroutines share it, so any of them may be destroyed first. Plain data: the session and stream_io.h act on it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "link/link.h"

namespace banger::link {

struct StreamState {
  explicit StreamState(host::Runtime& runtime) : readable(runtime), writable(runtime) {}

  std::int32_t id = 0;
  host::Event readable;  ///< head, body bytes, end, or broken
  host::Event writable;  ///< room in `out`, or broken

  // received
  std::vector<Header> headers;   ///< server end only
  std::size_t header_bytes = 0;  ///< as SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113, 6.5.2)
  int status = 0;                ///< client end only
  bool head_done = false;
  std::deque<std::string> in;  ///< bounded by the stream's window
  bool in_ended = false;

  // to send
  std::deque<std::string> out;
  std::size_t out_at = 0;  ///< sent part of out.front()
  std::size_t out_bytes = 0;
  bool responded = false;  ///< server end only
  bool out_ended = false;  ///< finish() was called
  bool end_sent = false;
  bool deferred = false;  ///< nghttp2 waits for resume_data

  bool closed = false;          ///< nghttp2 has closed the stream
  bool abandoned = false;       ///< its handle is gone
  bool impatient = false;       ///< a silent peer ends it (Session::end_impatient)
  std::optional<Error> broken;  ///< why nothing more will come

  void fail_with(Error error) {
    if (!broken) broken = std::move(error);
    notify();
  }
  void notify() {
    readable.notify_all();
    writable.notify_all();
  }
};

}  // namespace banger::link
