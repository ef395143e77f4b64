#include "net/resolv_conf.h"

#include <algorithm>

#include "base/text.h"
#include "net/addresses.h"
#include "net/ipv4.h"

namespace banger::net {

namespace {

constexpr std::size_t kMostServers = 3;  // MAXNS of resolv.h: libraries read no more

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!(line = trim(line)).empty()) {
    auto end = std::min(line.find_first_of(" \t\r"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

bool is_loopback(std::string_view address) { return address.starts_with("127."); }
bool is_link_local(std::string_view address) { return address.starts_with("169.254."); }

}  // namespace

ResolvConf parse_resolv_conf(std::string_view text) {
  ResolvConf conf;
  for (std::string_view line : split(text, '\n')) {
    auto words = words_of(line);
    if (words.size() < 2) continue;
    if (words[0] == "nameserver") conf.servers.emplace_back(words[1]);
    if (words[0] != "search" && words[0] != "domain") continue;
    // The last such line counts (resolv.conf(5)).
    conf.search.clear();
    for (std::string_view domain : std::span(words).subspan(1)) {
      if (domain.ends_with('.')) domain.remove_suffix(1);
      if (!domain.empty()) conf.search.emplace_back(domain);
    }
  }
  return conf;
}

std::vector<std::string> user_mode_servers(const ResolvConf& host) {
  std::vector<std::string> servers{kUserResolver};
  bool first = true;
  for (const auto& server : host.servers) {
    if (!parse_ipv4(server) || std::exchange(first, false)) continue;
    std::string reached = server == "127.0.0.1" ? kUserGateway : server;
    bool known = std::find(servers.begin(), servers.end(), reached) != servers.end();
    if (!is_loopback(reached) && !is_link_local(reached) && !known && servers.size() < kMostServers)
      servers.push_back(std::move(reached));
  }
  return servers;
}

}  // namespace banger::net
