// Names from a hosts file, and from a name server that the tests run.
#include "http/resolver.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <map>
#include <thread>

#include "../net/dns_wire.h"
#include "fixture.h"

using namespace banger;
using namespace std::chrono_literals;

namespace {

/// Answers queries for addresses over UDP. Names are "name/A" or "name/AAAA"; other names do not exist.
class NameServer {
 public:
  explicit NameServer(std::map<std::string, std::string> addresses, bool silent = false)
      : addresses_(std::move(addresses)), silent_(silent), socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&at), size) == 0);
    REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    port = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    stop_ = true;
    thread_.join();
  }
  std::uint16_t port = 0;
  std::atomic<int> queries{0};

 private:
  void serve() {
    while (!stop_) {
      pollfd entry{socket_.get(), POLLIN, 0};
      if (::poll(&entry, 1, 10) <= 0) continue;
      char buffer[512];
      sockaddr_in from{};
      socklen_t size = sizeof from;
      auto got = ::recvfrom(socket_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
      ++queries;
      if (got <= 0 || silent_) continue;
      auto reply = answer({buffer, static_cast<std::size_t>(got)});
      ::sendto(socket_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }

  std::string answer(const std::string& query) const {
    auto asked = dns_wire::parse(query).records.at(0);
    bool v4 = asked.type == 1;
    auto it = addresses_.find(asked.name + (v4 ? "/A" : "/AAAA"));
    bool exists = addresses_.contains(asked.name + "/A") || addresses_.contains(asked.name + "/AAAA");
    std::string bytes(16, '\0');
    std::string data;
    if (it != addresses_.end() && ::inet_pton(v4 ? AF_INET : AF_INET6, it->second.c_str(), bytes.data()) == 1)
      data = bytes.substr(0, v4 ? 4 : 16);
    using dns_wire::u16;
    auto reply = query.substr(0, 2) + u16(exists ? 0x8180 : 0x8183) + u16(1) + u16(data.empty() ? 0 : 1) + u16(0) +
                 u16(0) + dns_wire::name(asked.name) + u16(asked.type) + u16(1);
    if (!data.empty())
      reply +=
          u16(0xc00c) + u16(asked.type) + u16(1) + u16(0) + u16(60) + u16(static_cast<unsigned>(data.size())) + data;
    return reply;
  }

  std::map<std::string, std::string> addresses_;
  bool silent_;
  UniqueFd socket_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

struct Names : test::Fixture {
  void use(const NameServer& server) {
    dir.put("resolv.conf", "nameserver 127.0.0.1\n");
    options.dns_port = server.port;
  }
  std::string look_up(const std::string& host, http::Patience patience = {.whole = host::after(20s)}) {
    auto found = test::run(
        runtime, http::resolve(runtime, {dir / "hosts", dir / "resolv.conf", options.dns_port}, host, patience));
    if (!found) return std::string(to_string(found.error().code)) + ": " + found.error().message;
    std::string text;
    for (const auto& address : *found) text += http::to_string(address) + " ";
    return text;
  }
};

}  // namespace

TEST_CASE("resolver: addresses, localhost and the hosts file need no name server") {
  Names all;
  all.dir.put("hosts", "10.0.0.1 localhost registry\n");
  CHECK(all.look_up("127.0.0.1") == "127.0.0.1 ");
  CHECK(all.look_up("::1") == "::1 ");
  CHECK(all.look_up("localhost") == "127.0.0.1 ::1 ");
  CHECK(all.look_up("registry.localhost") == "127.0.0.1 ::1 ");
  CHECK(all.look_up("registry") == "10.0.0.1 ");
}

TEST_CASE("resolver: a name server gives addresses of both families") {
  Names all;
  NameServer server({{"four.example/A", "10.1.2.3"}, {"six.example/AAAA", "fd00::5"}});
  all.use(server);
  CHECK(all.look_up("four.example") == "10.1.2.3 ");
  CHECK(all.look_up("six.example") == "fd00::5 ");
  CHECK(server.queries > 0);
}

TEST_CASE("resolver: a name that does not exist is not found") {
  Names all;
  NameServer server({});
  all.use(server);
  CHECK(all.look_up("missing.example") == "not_found: DNS knows no host 'missing.example'");
  auto text = test::text_of(all.get("http://missing.example/"));
  CHECK(text ==
        "not_found: missing.example: DNS knows no host 'missing.example' (hint: check the spelling of the name)");
  CHECK(all.pauses.empty());
}

TEST_CASE("resolver: a name server that is silent meets the deadline") {
  Names all;
  NameServer server({}, true);
  all.use(server);
  CHECK(all.look_up("x.example", {.whole = host::after(200ms)}) ==
        "timeout: look up 'x.example': no name server answers");
}

TEST_CASE("resolver: a lookup ends when the caller goes away") {
  Names all;
  NameServer server({}, true);
  all.use(server);
  host::Cancel cancel(all.runtime);
  cancel.request();
  CHECK(all.look_up("x.example", {.whole = host::after(20s), .cancel = &cancel}) == "cancelled: cancelled");
}

TEST_CASE("resolver: the client tries the addresses in turn") {
  Names all;
  test::Server server([](test::Peer& peer) {
    peer.request();
    peer.send(test::response(200, "second"));
  });
  // No process listens at the first address.
  all.dir.put("hosts", "127.77.0.1 registry.example\n127.0.0.1 registry.example\n");
  CHECK(test::text_of(all.get("http://registry.example:" + std::to_string(server.port()) + "/")) == "200 second");
}
