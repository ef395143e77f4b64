#include "net/dns_ask.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <random>

#include "base/unique_fd.h"
#include "net/bounds.h"
#include "net/dns_stream.h"

namespace banger::net {

namespace {

constexpr std::size_t kHeaderBytes = 12, kIdBytes = 2;

sockaddr_in address_of(const host::Endpoint& where) {
  return {.sin_family = AF_INET, .sin_port = htons(where.port), .sin_addr = {htonl(where.address)}, .sin_zero = {}};
}

Result<UniqueFd> open_socket(int type, int flags) {
  UniqueFd socket(::socket(AF_INET, type | SOCK_CLOEXEC | flags, 0));
  if (!socket) return fail_errno("socket");
  return socket;
}

bool is_answer_to(std::string_view answer, std::string_view query) {
  return answer.size() >= kHeaderBytes && answer.substr(0, kIdBytes) == query.substr(0, kIdBytes) &&
         (static_cast<unsigned char>(answer[2]) & 0x80) != 0 && dns_question_of(answer) == dns_question_of(query);
}

void set_patience(int socket) {
  timeval patience{.tv_sec = std::chrono::seconds(limits::kDnsServerPatience).count(), .tv_usec = 0};
  for (int option : {SO_RCVTIMEO, SO_SNDTIMEO}) ::setsockopt(socket, SOL_SOCKET, option, &patience, sizeof patience);
}

bool read_exactly(int socket, char* to, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes;) {
    auto got = ::recv(socket, to + at, bytes - at, 0);
    if (got <= 0) return false;
    at += static_cast<std::size_t>(got);
  }
  return true;
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
  auto socket = open_socket(SOCK_DGRAM, SOCK_NONBLOCK);
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

std::optional<std::string> ask_dns_over_tcp(const host::Endpoint& server, const std::string& query) {
  auto socket = open_socket(SOCK_STREAM, 0);
  if (!socket) return std::nullopt;
  set_patience(socket->get());
  auto to = address_of(server);
  auto question = framed_dns_message(query);
  unsigned char size[2];
  if (::connect(socket->get(), reinterpret_cast<sockaddr*>(&to), sizeof to) < 0 ||
      ::send(socket->get(), question.data(), question.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(question.size()) ||
      !read_exactly(socket->get(), reinterpret_cast<char*>(size), sizeof size))
    return std::nullopt;
  std::string answer(std::size_t{size[0]} << 8 | size[1], '\0');
  if (!read_exactly(socket->get(), answer.data(), answer.size()) || !is_answer_to(answer, query)) return std::nullopt;
  return answer;
}

}  // namespace banger::net
