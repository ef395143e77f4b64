#include "net/dns_query.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/text.h"
#include "net/bounds.h"

namespace banger::net {

namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::uint16_t kRecursionDesired = 0x0100, kIsAnswer = 0x8000, kResultCode = 0x000f;
constexpr std::uint16_t kTypeA = 1, kClassInternet = 1;
constexpr std::uint16_t kQuestionId = 0x6272;  // each question has a socket of its own, so the port tells them apart

void put(std::string& to, std::uint16_t number) {
  to += static_cast<char>(number >> 8);
  to += static_cast<char>(number & 0xff);
}

/// Reads a message from front to back. After a read beyond the end, every read gives zero.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool broken() const { return broken_; }

  std::string_view take(std::size_t count) {
    if (rest_.size() < count) broken_ = true;
    auto taken = broken_ ? std::string_view() : rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::uint32_t number(std::size_t bytes) {
    std::uint32_t value = 0;
    for (unsigned char byte : take(bytes)) value = value << 8 | byte;
    return value;
  }
  // A name ends with an empty label, or with a pointer to an earlier name.
  void skip_name() {
    while (!broken_) {
      auto length = number(1);
      if (length >= 0xc0) {
        take(1);
        return;
      }
      if (length == 0) return;
      take(length);
    }
  }

 private:
  std::string_view rest_;
  bool broken_ = false;
};

}  // namespace

std::string dns_question(std::string_view name, std::uint16_t id) {
  std::string query;
  for (std::uint16_t number :
       {id, kRecursionDesired, std::uint16_t{1}, std::uint16_t{0}, std::uint16_t{0}, std::uint16_t{0}})
    put(query, number);
  for (auto label : split(name, '.')) {
    query += static_cast<char>(label.size());
    query += label;
  }
  query += '\0';
  put(query, kTypeA);
  put(query, kClassInternet);
  return query;
}

std::optional<host::Ipv4> address_in_answer(std::string_view answer, std::uint16_t id) {
  Reader reader(answer);
  bool ours = reader.number(2) == id;
  auto flags = reader.number(2), questions = reader.number(2), answers = reader.number(2);
  reader.take(kHeaderBytes - 8);
  if (!ours || !(flags & kIsAnswer) || (flags & kResultCode)) return std::nullopt;
  for (; questions > 0 && !reader.broken(); --questions) {
    reader.skip_name();
    reader.take(4);
  }
  for (; answers > 0 && !reader.broken(); --answers) {
    reader.skip_name();
    auto type = reader.number(2), kind = reader.number(2);
    reader.take(4);  // the time to live
    Reader data(reader.take(reader.number(2)));
    auto address = data.number(4);
    if (type == kTypeA && kind == kClassInternet && !data.broken() && !reader.broken()) return address;
  }
  return std::nullopt;
}

Task<std::optional<host::Ipv4>> ask_dns(host::Runtime& runtime, host::Endpoint server, std::string name,
                                        host::Deadline deadline) {
  UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in to{
      .sin_family = AF_INET, .sin_port = htons(server.port), .sin_addr = {htonl(server.address)}, .sin_zero = {}};
  auto query = dns_question(name, kQuestionId);
  if (!socket || ::connect(socket.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) < 0 ||
      ::send(socket.get(), query.data(), query.size(), MSG_NOSIGNAL) < 0)
    co_return std::nullopt;
  auto readable = co_await host::wait_readable(runtime, socket.get(), deadline);
  if (!readable || !*readable) co_return std::nullopt;
  char buffer[limits::kDnsMessageBytes];
  auto got = ::recv(socket.get(), buffer, sizeof buffer, 0);
  co_return got < 0 ? std::nullopt : address_in_answer({buffer, static_cast<std::size_t>(got)}, kQuestionId);
}

}  // namespace banger::net
