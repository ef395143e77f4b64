#include "net/dns_ask.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <random>

#include "base/unique_fd.h"
#include "net/bounds.h"
#include "net/dns_stream.h"
#include "net/tcp.h"

namespace banger::net {

namespace {

constexpr std::size_t kHeaderBytes = 12, kIdBytes = 2, kSizeBytes = 2;

sockaddr_in address_of(const host::Endpoint& where) {
  return {.sin_family = AF_INET, .sin_port = htons(where.port), .sin_addr = {htonl(where.address)}, .sin_zero = {}};
}

Result<UniqueFd> open_datagrams() {
  UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("socket");
  return socket;
}

bool is_answer_to(std::string_view answer, std::string_view query) {
  return answer.size() >= kHeaderBytes && answer.substr(0, kIdBytes) == query.substr(0, kIdBytes) &&
         (static_cast<unsigned char>(answer[2]) & 0x80) != 0 && dns_question_of(answer) == dns_question_of(query);
}

// REQUIRES: the bytes of the size are there.
std::size_t size_in(std::string_view framed) {
  return std::size_t{static_cast<unsigned char>(framed[0])} << 8 | static_cast<unsigned char>(framed[1]);
}

}  // namespace

std::string dns_question_of(std::string_view message) {
  std::string question;
  for (std::size_t at = kHeaderBytes; at < message.size();) {
    auto size = static_cast<unsigned char>(message[at]);
    std::size_t bytes = size == 0 ? 5 : size + 1u;
    if (size > 63 || message.size() - at < bytes) return "";
    for (char c : message.substr(at, bytes)) question += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (size == 0) return question;
    at += bytes;
  }
  return "";
}

std::string with_dns_number(std::string_view message, std::string_view number) {
  return std::string(number) + std::string(message.substr(kIdBytes));
}

std::string_view dns_number_of(std::string_view message) { return message.substr(0, kIdBytes); }

std::string random_dns_number() {
  std::random_device random;
  auto bits = random();
  return {static_cast<char>(bits & 0xff), static_cast<char>(bits >> 8 & 0xff)};
}

Task<std::optional<std::string>> ask_dns_server(host::Runtime& runtime, host::Endpoint server, std::string query) {
  auto socket = open_datagrams();
  auto to = address_of(server);
  if (!socket || ::connect(socket->get(), reinterpret_cast<sockaddr*>(&to), sizeof to) < 0 ||
      ::send(socket->get(), query.data(), query.size(), MSG_NOSIGNAL) < 0)
    co_return std::nullopt;
  auto deadline = host::after(limits::kDnsServerPatience);
  std::string buffer(limits::kDnsRelayBytes, '\0');
  for (;;) {
    auto readable = co_await host::wait_readable(runtime, socket->get(), deadline);
    if (!readable || !*readable) co_return std::nullopt;
    auto got = ::recv(socket->get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EAGAIN) continue;
    if (got < 0) co_return std::nullopt;  // nobody listens there
    auto answer = std::string_view(buffer).substr(0, static_cast<std::size_t>(got));
    if (is_answer_to(answer, query)) co_return std::string(answer);
  }
}

Task<std::optional<std::string>> ask_dns_over_tcp(host::Runtime& runtime, host::Endpoint server, std::string query) {
  auto deadline = host::after(limits::kDnsServerPatience);
  auto stream = co_await connect_tcp(runtime, server, deadline);
  if (!stream || !co_await (*stream)->write(framed_dns_message(query), deadline)) co_return std::nullopt;
  std::string bytes;
  // A message has less than 64 KiB, so the loop ends.
  while (bytes.size() < kSizeBytes || bytes.size() - kSizeBytes < size_in(bytes)) {
    auto more = co_await (*stream)->read(deadline);
    if (!more || more->empty()) co_return std::nullopt;
    bytes += *more;
  }
  auto answer = bytes.substr(kSizeBytes, size_in(bytes));
  co_return is_answer_to(answer, query) ? std::optional(std::move(answer)) : std::nullopt;
}

}  // namespace banger::net
