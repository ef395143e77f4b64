#include "roles/network/options.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "catch.h"

using namespace banger;
using namespace banger::roles::network;

namespace {

Result<Options> parse(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  return parse_options(arguments);
}

std::vector<std::string> good() {
  auto fd = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  return {"--socket",  "/run/s",     "--lock",   "/run/l", "--bridge",   "br-banger",
          "--address", "172.16.0.1", "--prefix", "24",     "--ready-fd", fmt::format("{}", fd)};
}

}  // namespace

TEST_CASE("network options: what the daemon writes is understood") {
  auto words = good();
  auto options = parse(words);
  REQUIRE(options);
  CHECK(options->socket == "/run/s");
  CHECK(options->bridge.name == "br-banger");
  CHECK(options->bridge.range().text() == "172.16.0.0/24");
  CHECK(!options->network);
  words = good();
  auto user = ::open("/proc/self/ns/user", O_RDONLY), network = ::open("/proc/self/ns/net", O_RDONLY);
  words.insert(words.end(), {"--user-fd", fmt::format("{}", user), "--network-fd", fmt::format("{}", network)});
  options = parse(words);
  REQUIRE(options);
  CHECK(options->network->user.get() == user);
  CHECK((::fcntl(network, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("network options: anything else is refused") {
  CHECK(!parse({}));
  for (std::size_t at = 0; at < good().size(); at += 2) {
    auto words = good();
    words.erase(words.begin() + static_cast<std::ptrdiff_t>(at), words.begin() + static_cast<std::ptrdiff_t>(at) + 2);
    // A bridge has a default prefix.
    CHECK(parse(words).has_value() == (at == 8));
  }
  for (auto [at, value] : {std::pair{1, "relative"},
                           {3, ""},
                           {5, "all"},
                           {7, "8.8.8.8"},
                           {7, "x"},
                           {9, "33"},
                           {9, "-1"},
                           {11, "2"},
                           {11, "99999"},
                           {11, "3x"}}) {
    auto words = good();
    words[static_cast<std::size_t>(at)] = value;
    CHECK(!parse(words));
  }
  auto words = good();
  words.emplace_back("--socket");
  CHECK(!parse(words));
  words = good();
  words.insert(words.end(), {"--user-fd", fmt::format("{}", ::open("/proc/self/ns/user", O_RDONLY))});
  CHECK(!parse(words));
}
