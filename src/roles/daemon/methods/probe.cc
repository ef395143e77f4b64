#include "roles/daemon/methods/probe.h"

#include <fmt/format.h>

#include <algorithm>

#include "roles/daemon/bounds.h"

namespace banger::roles::daemon {

namespace {

std::string u16(std::size_t value) { return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)}; }
std::string sized(const std::string& bytes) { return u16(bytes.size()) + bytes; }
std::string extension(unsigned type, const std::string& content) { return u16(type) + sized(content); }

struct Reading {
  Reading(host::Runtime& runtime, std::shared_ptr<link::ClientStream> s) : stream(std::move(s)), changed(runtime) {}
  std::shared_ptr<link::ClientStream> stream;  ///< null after the deadline of the probe
  std::string bytes;
  bool ended = false;
  host::Event changed;
};

Task<> read_first(std::shared_ptr<Reading> reading) {
  while (reading->stream && reading->bytes.size() < limits::kProbeBytes) {
    auto more = co_await reading->stream->read();
    if (!more || more->empty()) break;
    reading->bytes += *more;
  }
  reading->ended = true;
  reading->changed.notify_all();
}

// Sends `request` and returns the first bytes of the answer. Empty when no server listens, or when no answer comes in
// time.
Task<std::string> exchange(host::Runtime& runtime, std::shared_ptr<link::Client> client, std::string target,
                           std::string request) {
  auto deadline = host::after(limits::kProbeDeadline);
  auto opened = co_await client->open({.method = "CONNECT", .path = std::move(target)});
  if (!opened) co_return "";
  auto reading = std::make_shared<Reading>(runtime, std::move(*opened));
  auto status = co_await reading->stream->status(deadline);
  if (!status || *status >= 400 || !co_await reading->stream->write(std::move(request))) co_return "";
  runtime.spawn(read_first(reading));
  while (!reading->ended && host::Clock::now() < deadline) co_await reading->changed.wait(deadline);
  reading->stream.reset();
  co_return reading->bytes;
}

}  // namespace

std::string_view to_string(Scheme scheme) {
  constexpr std::string_view kNames[] = {"", "http", "https"};
  return kNames[static_cast<int>(scheme)];
}

std::string tls_hello() {
  const std::string version12 = "\x03\x03", random(32, 'b'), session = "\r\n\r\n" + std::string(28, 'b');
  // One cipher suite of each kind that servers support: TLS 1.3, ECDHE with RSA and ECDSA, plain RSA.
  const std::string ciphers = u16(0x1301) + u16(0x1302) + u16(0x1303) + u16(0xc02b) + u16(0xc02f) + u16(0xc02c) +
                              u16(0xc030) + u16(0x009c) + u16(0x002f);
  const std::string versions = u16(0x0304) + u16(0x0303), groups = u16(0x001d) + u16(0x0017) + u16(0x0018);
  const std::string signatures =
      u16(0x0403) + u16(0x0804) + u16(0x0401) + u16(0x0503) + u16(0x0805) + u16(0x0501) + u16(0x0201);
  // The list of key shares is empty. A TLS 1.3 server then requests a key share, and this answer is enough for a probe.
  const std::string extensions = extension(43, static_cast<char>(versions.size()) + versions) +
                                 extension(10, sized(groups)) + extension(13, sized(signatures)) +
                                 extension(11, std::string("\x01\x00", 2)) + extension(51, sized(""));
  const std::string body = version12 + random + static_cast<char>(session.size()) + session + sized(ciphers) +
                           std::string("\x01\x00", 2) + sized(extensions);
  const std::string handshake = std::string("\x01\x00", 2) + sized(body);
  return "\x16\x03\x01" + sized(handshake);
}

// RFC 8446, 5.1: type, version, length, fragment. A handshake's fragment begins with its own type.
bool is_tls_answer(std::string_view bytes) {
  constexpr char kAlert = 21, kHandshake = 22, kServerHello = 2;
  if (bytes.size() < 6 || bytes[1] != 3 || bytes[2] < 0 || bytes[2] > 4) return false;
  if (bytes[0] == kAlert) return bytes[3] == 0 && bytes[4] == 2;
  return bytes[0] == kHandshake && bytes[5] == kServerHello;
}

bool is_http_answer(std::string_view bytes) { return bytes.starts_with("HTTP/"); }

Task<Scheme> probe(host::Runtime& runtime, std::shared_ptr<link::Client> client, std::string target, std::string host) {
  auto answer = co_await exchange(runtime, client, target, tls_hello());
  if (is_tls_answer(answer)) co_return Scheme::https;
  if (is_http_answer(answer)) co_return Scheme::http;
  auto request = fmt::format("HEAD / HTTP/1.1\r\nHost: {}\r\nUser-Agent: banger\r\nConnection: close\r\n\r\n", host);
  answer = co_await exchange(runtime, client, target, std::move(request));
  co_return is_http_answer(answer) ? Scheme::http : Scheme::none;
}

}  // namespace banger::roles::daemon
