// The fields and extensions of a ClientHello.
#include <set>

#include "egress/bounds.h"
#include "egress/client_hello.h"

namespace banger::egress {

namespace {

enum Extension : std::uint16_t {
  server_name = 0,
  alpn = 16,
  supported_versions = 43,
  encrypted_client_hello = 0xfe0d,
  encrypted_server_name = 0xffce,  // of a draft before Encrypted Client Hello
};
constexpr std::size_t kRandomBytes = 32, kSessionBytes = 32;

/// Reads big-endian fields. After reading past the end, all fields are empty and `ok` stays false.
struct Reader {
  std::string_view rest;
  bool ok = true;

  std::string_view take(std::size_t count) {
    ok = ok && count <= rest.size();
    auto taken = ok ? rest.substr(0, count) : std::string_view();
    rest.remove_prefix(taken.size());
    return taken;
  }
  std::size_t number(std::size_t bytes) {
    std::size_t value = 0;
    for (char byte : take(bytes)) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }
  std::string_view vector(std::size_t length_bytes) { return take(number(length_bytes)); }
  bool at_end() const { return ok && rest.empty(); }
};

// A list of names, each with a type. The only type that exists is a host name.
bool read_server_name(std::string_view data, ClientHello& hello) {
  Reader in{data}, list{in.vector(2)};
  if (!in.at_end() || list.rest.empty()) return false;
  std::size_t count = 0;
  std::string_view name;
  for (; !list.at_end(); ++count) {
    if (list.number(1) != 0) return false;
    name = list.vector(2);
    if (!list.ok || name.empty()) return false;
  }
  auto host = read_host(name);
  hello.kind = count > 1                        ? SniKind::several
               : host.kind == HostKind::name    ? SniKind::name
               : host.kind == HostKind::address ? SniKind::address
                                                : SniKind::invalid;
  if (hello.kind == SniKind::name) hello.sni = host.name;
  return true;
}

bool read_protocols(std::string_view data, ClientHello& hello) {
  Reader in{data}, list{in.vector(2)};
  if (!in.at_end() || list.rest.empty()) return false;
  while (!list.at_end()) {
    auto protocol = list.vector(1);
    if (!list.ok || protocol.empty() || hello.protocols.size() == limits::kAlpnNames) return false;
    hello.protocols.emplace_back(protocol);
  }
  return true;
}

bool read_versions(std::string_view data, ClientHello& hello) {
  Reader in{data}, list{in.vector(1)};
  if (!in.at_end() || list.rest.empty() || list.rest.size() % 2) return false;
  hello.versions.clear();
  while (!list.at_end()) hello.versions.push_back(static_cast<std::uint16_t>(list.number(2)));
  return true;
}

bool read_extension(std::size_t type, std::string_view data, ClientHello& hello) {
  switch (type) {
    case server_name:
      return read_server_name(data, hello);
    case alpn:
      return read_protocols(data, hello);
    case supported_versions:
      return read_versions(data, hello);
    case encrypted_client_hello:
    case encrypted_server_name:
      hello.encrypted = true;
      return true;
    default:
      return true;
  }
}

bool read_extensions(std::string_view bytes, ClientHello& hello) {
  Reader in{bytes};
  std::set<std::size_t> seen;
  while (!in.at_end()) {
    auto type = in.number(2);
    auto data = in.vector(2);
    // An extension that is there twice could mean two things.
    if (!in.ok || !seen.insert(type).second || !read_extension(type, data, hello)) return false;
  }
  return true;
}

}  // namespace

bool read_client_hello(std::string_view body, ClientHello& hello) {
  Reader in{body};
  hello.versions = {static_cast<std::uint16_t>(in.number(2))};
  in.take(kRandomBytes);
  auto session = in.vector(1), ciphers = in.vector(2), compressions = in.vector(1);
  if (!in.ok || session.size() > kSessionBytes || ciphers.empty() || ciphers.size() % 2 || compressions.empty())
    return false;
  if (in.rest.empty()) return true;  // before TLS 1.3, a ClientHello may have no extensions at all
  auto extensions = in.vector(2);
  return in.at_end() && read_extensions(extensions, hello);
}

}  // namespace banger::egress
