#include "http/resolver.h"

#include <fmt/format.h>

#include "host/files.h"
#include "http/bounds.h"
#include "http/dns.h"
#include "http/hosts_file.h"

namespace banger::http {

namespace {

std::vector<Address> loopback() { return {*parse_address("127.0.0.1"), *parse_address("::1")}; }

}  // namespace

Task<Result<std::vector<Address>>> resolve(host::Runtime& runtime, ResolverFiles files, std::string host,
                                           Patience patience) {
  if (auto address = parse_address(host)) co_return std::vector{*address};
  // A name server must not decide what localhost is, and neither may a file.
  if (is_localhost(host)) co_return loopback();
  if (auto text = host::read_regular_file(files.hosts, limits::kHostNamesBytes)) {
    if (auto found = find_in_hosts(*text, host); !found.empty()) co_return found;
  }
  co_return co_await ask_dns(runtime, files, host, patience);
}

}  // namespace banger::http
