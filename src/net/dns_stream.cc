#include "net/dns_stream.h"

#include "net/bounds.h"

namespace banger::net {

Task<std::optional<std::size_t>> read_dns_message(TcpStream& stream, std::string& bytes) {
  auto deadline = host::after(limits::kDnsTcpIdle);
  for (;;) {
    if (bytes.size() >= 2) {
      auto size = std::size_t{static_cast<unsigned char>(bytes[0])} << 8 | static_cast<unsigned char>(bytes[1]);
      if (size > limits::kDnsMessageBytes) co_return std::nullopt;
      if (bytes.size() >= 2 + size) co_return size;
    }
    auto more = co_await stream.read(deadline);
    if (!more || more->empty()) co_return std::nullopt;
    bytes += *more;
  }
}

std::string framed_dns_message(std::string_view message) {
  std::string text{static_cast<char>(message.size() >> 8), static_cast<char>(message.size() & 0xff)};
  return text += message;
}

}  // namespace banger::net
