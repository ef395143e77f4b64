// GET /listening, from a client's side, with real sockets.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "roles/agent/harness.h"

using namespace banger;
using namespace banger::roles::agent;
using test::Agent;

namespace {

struct Listener {
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::uint16_t port = 0;
  Listener() {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof address;
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 || ::listen(fd.get(), 1) < 0)
      ::abort();
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  std::string row() const { return fmt::format(R"("port":{}}})", port); }
};

// Reads lines until one matches; empty when the stream ended.
Task<std::string> line_that(link::ClientStream& stream, std::string& buffer,
                            std::function<bool(const std::string&)> wanted) {
  for (;;) {
    auto end = buffer.find('\n');
    if (end == buffer.npos) {
      auto more = co_await stream.read();
      if (!more || more->empty()) co_return "";
      buffer += *more;
      continue;
    }
    auto line = buffer.substr(0, end);
    buffer.erase(0, end + 1);
    if (wanted(line)) co_return line;
  }
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("listening: sends the ports at once, and again after a change") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    Listener first;
    auto stream = co_await a.client->open({.method = "GET", .path = "/listening"});
    REQUIRE(stream.has_value());
    auto finished = co_await (*stream)->finish();
    CHECK(finished.has_value());
    auto status = co_await (*stream)->status(host::after(std::chrono::seconds(20)));
    CHECK(status == 200);
    std::string buffer;
    auto said = co_await line_that(**stream, buffer, [](const std::string&) { return true; });
    CHECK(contains(said, first.row()));
    CHECK(said.starts_with(R"({"ports":[)"));
    std::string second_row;
    {
      Listener second;
      second_row = second.row();
      said = co_await line_that(**stream, buffer, [&](const std::string& line) { return contains(line, second_row); });
      CHECK(contains(said, first.row()));
    }
    said = co_await line_that(**stream, buffer, [&](const std::string& line) { return !contains(line, second_row); });
    CHECK(contains(said, first.row()));
  });
}
