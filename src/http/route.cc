#include "http/route.h"

#include <fmt/format.h>

#include <algorithm>

#include "http/exchange.h"
#include "http/request_head.h"
#include "http/tls.h"

namespace banger::http {

namespace {

/// A server whose certificate is unknown can be made known.
Error with_trust_hint(Error error, const HostTrust& trust) {
  if (error.code != ErrorCode::denied || !error.hint.empty() || !trust.first_directory) return error;
  return std::move(error).with_hint(
      fmt::format("if you trust the server, put its CA into {}/ca.crt", *trust.first_directory));
}

/// An error of the proxy must not look like one of the server.
Error with_proxy(Error error, const Route& route) {
  if (!route.proxy) return error;
  return std::move(error).in(fmt::format("the proxy {}:{}", route.proxy->host, route.proxy->port));
}

struct Trusted {
  HostTrust trust;
  TlsContext context;
};

Result<Trusted> read_trust(const TrustPaths& paths, const Url& url) {
  auto trust = TRY(trust_of(paths, url.host, url.port));
  auto context = TRY(make_tls_context(paths, trust));
  return Trusted{std::move(trust), std::move(context)};
}

Task<Result<Stream>> over_tls(host::Runtime* runtime, Stream stream, TrustPaths paths, Url url, Patience patience) {
  auto trusted = CO_TRY(co_await runtime->blocking([&] { return read_trust(paths, url); }));
  auto done = co_await stream.start_tls(std::move(trusted.context), url.host, patience);
  if (!done) co_return std::unexpected(with_trust_hint(std::move(done).error(), trusted.trust));
  co_return stream;
}

}  // namespace

std::string Route::key() const {
  return fmt::format("{}://{}:{} {}", url.scheme, url.host, url.port,
                     proxy ? fmt::format("{}:{}", proxy->host, proxy->port) : "direct");
}

bool is_local(const Route& route, const Address& peer) {
  // Behind a proxy, only the name can tell.
  if (route.proxy) return known_reach(route.url.host).value_or(Reach::global) != Reach::global;
  return reach_of(peer) != Reach::global;
}

Result<> check_reach(const Route& route, const Address& peer) {
  if (route.within == Within::anywhere || !is_local(route, peer)) return {};
  return fail(ErrorCode::denied,
              fmt::format("a server in the Internet leads to {}, which is an address of this host or its networks",
                          host_and_port(route.url)));
}

Task<Result<std::vector<Address>>> look_up(host::Runtime& runtime, const Options& options, Route route,
                                           Patience patience) {
  ResolverFiles files{.hosts = options.hosts_file, .resolv_conf = options.resolv_conf, .dns_port = options.dns_port};
  auto host = route.proxy ? route.proxy->host : route.url.host;
  auto addresses = co_await resolve(runtime, files, host, patience);
  if (!addresses) co_return std::unexpected(with_proxy(std::move(addresses).error(), route));
  // The addresses are checked after the lookup: a name in the Internet may have an address of this network.
  for (const auto& address : *addresses) CO_TRY(check_reach(route, address));
  co_return addresses;
}

Task<Result<Stream>> open_route(host::Runtime& runtime, const Options& options, Route route,
                                std::vector<Address> addresses, Patience patience) {
  auto port = route.proxy ? route.proxy->port : route.url.port;
  auto stream = co_await connect(runtime, std::move(addresses), port, patience);
  if (!stream) co_return std::unexpected(with_proxy(std::move(stream).error(), route));
  if (route.url.scheme == "http") co_return stream;
  if (route.proxy) {
    auto opened = co_await open_tunnel(*stream, tunnel_head(route.url, options.user_agent, *route.proxy), patience);
    if (!opened) co_return std::unexpected(with_proxy(std::move(opened).error(), route));
  }
  co_return co_await over_tls(&runtime, std::move(*stream), options.trust, route.url, patience);
}

}  // namespace banger::http
