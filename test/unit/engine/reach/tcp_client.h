// A program of this host that uses ports, for tests: it occupies ports, and connects to them without blocking.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "catch.h"
#include "engine/fixture.h"
#include "host/endpoint.h"

namespace banger::test {

/// Occupies a port on an address of the host. The first port is one that is free on all addresses.
struct HeldPort {
  explicit HeldPort(host::Ipv4 address = INADDR_ANY, std::uint16_t port = 0)
      : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(address)}, .sin_zero = {}};
    socklen_t size = sizeof at;
    REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(socket.get(), 1) == 0);
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    number = ntohs(at.sin_port);
  }
  UniqueFd socket;
  std::uint16_t number;
};

/// A port that is free at this moment.
inline std::uint16_t free_port() { return HeldPort().number; }

/// A connection of this process.
inline UniqueFd connect_to(host::Endpoint at) {
  UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(at.port), .sin_addr = {htonl(at.address)}, .sin_zero = {}};
  REQUIRE((::connect(client.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 || errno == EINPROGRESS));
  return client;
}

/// Sends when the connection has been made.
inline void say(Fixture& f, const UniqueFd& client, std::string_view words) {
  bool sent = false;  // the condition may be asked again
  REQUIRE(
      f.run_until([&] { return sent = sent || ::send(client.get(), words.data(), words.size(), MSG_NOSIGNAL) >= 0; }));
}

/// Reads so many bytes, or to the end.
inline std::string heard(Fixture& f, const UniqueFd& client, std::size_t count) {
  std::string all;
  REQUIRE(f.run_until([&] {
    char chunk[100];
    auto got = ::recv(client.get(), chunk, sizeof chunk, 0);
    if (got > 0) all.append(chunk, static_cast<std::size_t>(got));
    return all.size() >= count || got == 0 || (got < 0 && errno != EAGAIN);
  }));
  return all;
}

/// The error that ends the connection, or 0.
inline int ending(Fixture& f, const UniqueFd& client) {
  std::optional<int> error;  // read once: the condition may be asked again
  REQUIRE(f.run_until([&] {
    char byte;
    auto got = error ? 0 : ::recv(client.get(), &byte, 1, 0);
    if (!error && (got >= 0 || errno != EAGAIN)) error = got < 0 ? errno : 0;
    return error.has_value();
  }));
  return *error;
}

}  // namespace banger::test
