#include "net/dns_relay.h"

#include <netinet/in.h>

#include <memory>

#include "host/files.h"
#include "net/bounds.h"
#include "net/dns_ask.h"
#include "net/resolv_conf.h"

namespace banger::net {

namespace {

constexpr const char* kResolvConf = "/etc/resolv.conf";

Task<std::optional<std::string>> ask(host::Runtime& runtime, host::Endpoint server, std::string question,
                                     DnsCarrier carrier) {
  if (carrier == DnsCarrier::udp) co_return co_await ask_dns_server(runtime, server, std::move(question));
  co_return co_await ask_dns_over_tcp(runtime, server, std::move(question));
}

Task<std::optional<std::string>> relay(host::Runtime& runtime, std::shared_ptr<const DnsRelayOptions> options,
                                       std::string query, DnsCarrier carrier) {
  if (is_answered_here(query)) {
    std::string answer;
    answer_dns(query, options->address_of, answer);
    co_return answer.empty() ? std::nullopt : std::optional(std::move(answer));
  }
  // A guest must not choose the number that a forged answer needs.
  auto question = with_dns_number(query, random_dns_number());
  for (const auto& server : options->servers()) {
    auto answer = co_await ask(runtime, server, question, carrier);
    if (answer) co_return with_dns_number(*answer, dns_number_of(query));
  }
  co_return std::nullopt;
}

}  // namespace

bool is_answered_here(std::string_view query) {
  auto question = dns_question_of(query);
  std::string_view last;
  for (std::size_t at = 0; at < question.size() && question[at] != 0;) {
    auto size = static_cast<unsigned char>(question[at]);
    last = std::string_view(question).substr(at + 1, size);
    at += size + 1u;
  }
  // A malformed question has no answer elsewhere.
  return question.empty() || last == "vm";
}

std::vector<host::Endpoint> host_name_servers() {
  std::vector<host::Endpoint> servers;
  auto conf = parse_resolv_conf(host::read_file(kResolvConf, limits::kResolvConfBytes).value_or(""));
  for (const auto& server : conf.servers)
    if (auto address = host::parse_ipv4(server); address && servers.size() < limits::kDnsServers)
      servers.push_back({*address, limits::kDnsPort});
  if (servers.empty()) servers.push_back({INADDR_LOOPBACK, limits::kDnsPort});
  return servers;
}

Result<std::unique_ptr<DnsServer>> relay_dns(host::Runtime& runtime, DnsSockets sockets, DnsRelayOptions options) {
  auto shared = std::make_shared<const DnsRelayOptions>(std::move(options));
  return answer_dns_on(runtime, std::move(sockets),
                       [&runtime, shared](std::string query, host::Ipv4, DnsCarrier carrier) {
                         return relay(runtime, shared, std::move(query), carrier);
                       });
}

}  // namespace banger::net
