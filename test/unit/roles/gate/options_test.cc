#include "roles/gate/options.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "catch.h"

using namespace banger;
using namespace banger::roles::gate;

namespace {

Result<Options> parse(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  return parse_options(arguments);
}

std::string descriptor() { return fmt::format("{}", ::open("/dev/null", O_RDWR)); }

/// What the daemon writes. The options own the descriptors, so each call has its own.
std::vector<std::string> good() {
  return {"--control-fd",   descriptor(), "--tcp-fd",   descriptor(),     "--names-udp-fd", descriptor(),
          "--names-tcp-fd", descriptor(), "--network",  "172.16.0.0/24",  "--place",        "1.0 172.16.0.1/24 host",
          "--server",       "1.1.1.1:53", "--vm-names", "127.0.0.1:42069"};
}
constexpr std::size_t kNetwork = 9, kServer = 13, kVmNames = 15;

}  // namespace

TEST_CASE("gate options: what the daemon writes is understood") {
  auto words = good();
  CHECK_FALSE(parse(words)->proxy);
  words = good();
  words.insert(words.end(), {"--server", "9.9.9.9:53", "--proxy", "172.16.0.1:3128"});
  auto options = parse(words);
  REQUIRE(options);
  CHECK(options->control.get() == std::stoi(words[1]));
  CHECK(options->sockets.tcp.get() == std::stoi(words[3]));
  CHECK(options->sockets.names.udp.get() == std::stoi(words[5]));
  CHECK(options->sockets.names.tcp.get() == std::stoi(words[7]));
  for (const auto* fd :
       {&options->control, &options->sockets.tcp, &options->sockets.names.udp, &options->sockets.names.tcp})
    CHECK((::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(options->peers == net::Range{0xac100000, 24});
  CHECK(options->servers.outside == std::vector<host::Endpoint>{{0x01010101, 53}, {0x09090909, 53}});
  CHECK(options->servers.vm_names == host::Endpoint{0x7f000001, 42069});
  CHECK(options->proxy == host::Endpoint{0xac100001, 3128});
  CHECK(options->place == "1.0 172.16.0.1/24 host");
}

TEST_CASE("gate options: there may be no server for names of VMs, and everything else is needed") {
  for (std::size_t at = 0; at < good().size(); at += 2) {
    auto words = good();
    INFO(words[at]);
    auto option = words.begin() + static_cast<std::ptrdiff_t>(at);
    bool optional = words[at] == "--vm-names";
    words.erase(option, option + 2);
    CHECK(parse(words).has_value() == optional);
  }
  CHECK_FALSE(parse({}));
}

TEST_CASE("gate options: anything else is refused") {
  const std::pair<std::size_t, const char*> bad[] = {
      {1, "2"},
      {1, "99999"},
      {1, "3x"},
      {1, "-1"},
      {1, ""},
      {kNetwork, "x"},
      {kNetwork, "1.2.3.4"},
      {kNetwork, "172.16.0.0/33"},
      {kNetwork, "172.16.0.0/-1"},
      {kNetwork, "0.0.0.0/0"},
      {kServer, "1.1.1.1"},
      {kServer, "1.1.1.1:0"},
      {kServer, "dns.example.org:53"},
      {kVmNames, ":53"},
      {kVmNames, ""},
  };
  for (auto [at, value] : bad) {
    INFO(at << " " << value);
    auto words = good();
    words[at] = value;
    CHECK_FALSE(parse(words));
  }
  auto words = good();
  words.emplace_back("--place");
  CHECK_FALSE(parse(words));
  words = good();
  words.insert(words.end(), {"--unknown", "x"});
  CHECK_FALSE(parse(words));
}

TEST_CASE("gate options: their number has a limit") {
  auto words = good();
  for (int i = 0; i < 20; ++i) words.insert(words.end(), {"--server", "1.1.1.1:53"});
  CHECK_FALSE(parse(words));
}
