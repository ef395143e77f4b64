// Which error of one side is which error of the other side (RFC 9113, section 7). Pure.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>

namespace banger::egress {

/// Whether the error is about the request. Others are about the bytes of one connection, such as FLOW_CONTROL_ERROR.
inline bool is_about_request(std::uint32_t code) {
  switch (code) {
    case NGHTTP2_REFUSED_STREAM:
    case NGHTTP2_CANCEL:
    case NGHTTP2_CONNECT_ERROR:
    case NGHTTP2_ENHANCE_YOUR_CALM:
    case NGHTTP2_INADEQUATE_SECURITY:
    case NGHTTP2_HTTP_1_1_REQUIRED:
      return true;
    default:
      return false;
  }
}

/// The guest sees a fault between the relay and the host as one inside its server. A stream that ends without an error,
/// and too early, is cancelled.
inline std::uint32_t code_for_guest(std::uint32_t code) {
  if (code == NGHTTP2_NO_ERROR) return NGHTTP2_CANCEL;
  return is_about_request(code) ? code : static_cast<std::uint32_t>(NGHTTP2_INTERNAL_ERROR);
}

/// The host sees each other end of a request as the client's wish.
inline std::uint32_t code_for_outside(std::uint32_t code) {
  return is_about_request(code) ? code : static_cast<std::uint32_t>(NGHTTP2_CANCEL);
}

}  // namespace banger::egress
