// The callbacks for nghttp2, and the making of a session. All are noexcept: nghttp2 is C, and exceptions must not pass
// through it.
#pragma once

#include "egress/http2_side.h"

namespace banger::egress {

inline constexpr std::size_t kFieldOverheadBytes = 32;  ///< RFC 9113, section 6.5.2

struct Http2Callbacks {
  /// Null if there is no memory.
  static nghttp2_session* make(Http2Side& side, Http2End end);
  /// A body that comes from Http2Events::body_for().
  static nghttp2_data_provider body();
  /// The size of a header block, as for its limit.
  static std::size_t bytes(std::span<const nghttp2_nv> fields);

  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) noexcept;
  static int begin_block(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept;
  static int field(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                   const std::uint8_t* value, std::size_t value_size, std::uint8_t flags, void* user) noexcept;
  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept;
  static int data_received(nghttp2_session*, std::uint8_t flags, std::int32_t id, const std::uint8_t* data,
                           std::size_t size, void* user) noexcept;
  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) noexcept;
  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept;
  static int frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int error, void* user) noexcept;
  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t*, std::size_t size, std::uint32_t* flags,
                           nghttp2_data_source*, void* user) noexcept;
  static int send_body(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size,
                       nghttp2_data_source*, void* user) noexcept;

 private:
  static bool is_nuisance(const nghttp2_frame_hd& head);
  static void goaway_sent(Http2Side& side, std::uint32_t code);
  static void block_received(Http2Side& side, const nghttp2_frame& frame);
  static int result(const Http2Side& side) { return side.stopped() ? NGHTTP2_ERR_CALLBACK_FAILURE : 0; }
};

}  // namespace banger::egress
