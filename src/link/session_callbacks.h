// The callbacks for nghttp2, and the setup of a session.
#pragma once

#include <nghttp2/nghttp2.h>

#include "link/session.h"

namespace banger::link {

/// All callbacks are noexcept: nghttp2 is C, and exceptions must not pass through it.
struct SessionCallbacks {
  /// Null when out of memory.
  static nghttp2_session* make(Role role, Session* session);
  /// A provider that sends state.out.
  static nghttp2_data_provider provider(StreamState& state);

  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) noexcept;
  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept;
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                    const std::uint8_t* value, std::size_t value_size, std::uint8_t flags, void* user) noexcept;
  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept;
  static int data_chunk(nghttp2_session* raw, std::uint8_t flags, std::int32_t id, const std::uint8_t* data,
                        std::size_t size, void* user) noexcept;
  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) noexcept;
  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept;
  static int frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int error, void* user) noexcept;
  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* buffer, std::size_t size,
                           std::uint32_t* flags, nghttp2_data_source* source, void* user) noexcept;
  static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size,
                       nghttp2_data_source* source, void* user) noexcept;

 private:
  static void pong_received(Session& session, const nghttp2_ping& frame);
  static void head_received(Session& session, const std::shared_ptr<StreamState>& state, const nghttp2_frame* frame);
};

}  // namespace banger::link
