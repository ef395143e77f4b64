// ClientHello messages as a client writes them, byte by byte.
#pragma once

#include <string>
#include <vector>

namespace tls_wire {

inline std::string number(std::size_t value, unsigned bytes) {
  std::string wire;
  for (; bytes > 0; --bytes) wire += static_cast<char>(value >> 8 * (bytes - 1) & 0xff);
  return wire;
}
inline std::string sized(const std::string& content, unsigned length_bytes) {
  return number(content.size(), length_bytes) + content;
}

inline std::string extension(unsigned type, const std::string& data) { return number(type, 2) + sized(data, 2); }

inline std::string server_names(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += number(0, 1) + sized(name, 2);
  return extension(0, sized(list, 2));
}
inline std::string protocols(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += sized(name, 1);
  return extension(16, sized(list, 2));
}
inline std::string versions(const std::vector<unsigned>& numbers) {
  std::string list;
  for (auto each : numbers) list += number(each, 2);
  return extension(43, sized(list, 1));
}

struct Body {
  std::string session = std::string(32, 's'), ciphers = number(0x1301, 2), compressions = number(0, 1);
};
inline std::string body(const std::string& extensions, const Body& parts = {}) {
  return number(0x0303, 2) + std::string(32, 'r') + sized(parts.session, 1) + sized(parts.ciphers, 2) +
         sized(parts.compressions, 1) + sized(extensions, 2);
}
inline std::string message(const std::string& body) { return number(1, 1) + sized(body, 3); }

/// Cut into records of at most `most` bytes.
inline std::string records(const std::string& message, std::size_t most = 16384) {
  std::string wire;
  for (std::size_t at = 0; at < message.size(); at += most)
    wire += number(22, 1) + number(0x0301, 2) + sized(message.substr(at, most), 2);
  return wire;
}

inline std::string hello(const std::string& extensions) { return records(message(body(extensions))); }

/// As curl with OpenSSL sends it, in short.
inline std::string usual(const std::string& name) {
  return hello(server_names({name}) + extension(23, "") + protocols({"h2", "http/1.1"}) + versions({0x0304, 0x0303}) +
               extension(51, std::string(1200, 'k')));
}

}  // namespace tls_wire
