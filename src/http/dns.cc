#include "http/dns.h"

#include <ares.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cstring>

#include "http/bounds.h"

namespace banger::http {

namespace {

/// One lookup. c-ares opens and closes sockets as it likes; all of them are in one epoll, whose descriptor the control
/// thread waits for.
class Lookup {
 public:
  Lookup() = default;
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;
  ~Lookup() {
    if (channel_) ares_destroy(channel_);
  }

  Result<> start(ResolverFiles files, const std::string& host) {
    epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) return fail_errno("epoll");
    char dns_only[] = "b";
    ares_options options{};
    options.sock_state_cb = on_socket;
    options.sock_state_cb_data = this;
    options.lookups = dns_only;
    options.resolvconf_path = files.resolv_conf.data();
    options.udp_port = options.tcp_port = files.dns_port;
    options.timeout = static_cast<int>(std::chrono::milliseconds(limits::kDnsAttempt).count());
    options.tries = limits::kDnsAttempts;
    int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
               ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT;
    if (int failed = ares_init_options(&channel_, &options, mask)) {
      channel_ = nullptr;
      return fail(ErrorCode::internal, fmt::format("set up c-ares: {}", ares_strerror(failed)));
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, on_answer, this);
    return {};
  }

  bool done() const { return done_; }
  int status() const { return status_; }
  std::vector<Address> addresses() const { return addresses_; }
  int fd() const { return epoll_.get(); }

  /// When c-ares wants to be called at the latest.
  host::Deadline next() const {
    timeval most{.tv_sec = 1, .tv_usec = 0}, left{};
    ares_timeout(channel_, &most, &left);
    return host::Clock::now() + std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
  }

  /// Handles what has arrived, and what has taken too long.
  void process() {
    epoll_event events[8];
    int count = std::max(0, ::epoll_wait(epoll_.get(), events, std::size(events), 0));
    for (int i = 0; i < count; ++i) {
      bool reads = events[i].events & ~static_cast<unsigned>(EPOLLOUT), writes = events[i].events & EPOLLOUT;
      ares_process_fd(channel_, reads ? events[i].data.fd : ARES_SOCKET_BAD,
                      writes ? events[i].data.fd : ARES_SOCKET_BAD);
    }
    if (count == 0) ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  }

 private:
  static void on_socket(void* self, ares_socket_t socket, int reads, int writes) {
    int epoll = static_cast<Lookup*>(self)->epoll_.get();
    epoll_event event{.events = (reads ? unsigned{EPOLLIN} : 0u) | (writes ? unsigned{EPOLLOUT} : 0u),
                      .data = {.fd = socket}};
    if (event.events == 0)
      ::epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);
    else if (::epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event) != 0)
      ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
  }

  static void on_answer(void* self, int status, int, ares_addrinfo* answer) {
    auto& lookup = *static_cast<Lookup*>(self);
    lookup.done_ = true;
    lookup.status_ = status;
    for (auto* node = answer ? answer->nodes : nullptr; node; node = node->ai_next) lookup.add(*node->ai_addr);
    if (answer) ares_freeaddrinfo(answer);
  }

  void add(const sockaddr& from) {
    if (addresses_.size() == limits::kAddresses) return;
    Address address;
    if (from.sa_family == AF_INET) {
      address.bytes[10] = address.bytes[11] = 0xff;
      std::memcpy(address.bytes.data() + 12, &reinterpret_cast<const sockaddr_in&>(from).sin_addr, 4);
    } else if (from.sa_family == AF_INET6) {
      std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(from).sin6_addr, 16);
    }
    addresses_.push_back(address);
  }

  UniqueFd epoll_;
  ares_channel channel_ = nullptr;
  bool done_ = false;
  int status_ = 0;
  std::vector<Address> addresses_;
};

Result<std::vector<Address>> result_of(const Lookup& lookup, const std::string& host) {
  if (lookup.status() == ARES_SUCCESS && !lookup.addresses().empty()) return lookup.addresses();
  if (lookup.status() == ARES_ENOTFOUND || lookup.status() == ARES_ENODATA || lookup.status() == ARES_SUCCESS)
    return fail(ErrorCode::not_found, fmt::format("DNS knows no host '{}'", host), "check the spelling of the name");
  return fail(ErrorCode::unavailable, fmt::format("look up '{}': {}", host, ares_strerror(lookup.status())),
              "check the network and the name servers in /etc/resolv.conf");
}

}  // namespace

Task<Result<std::vector<Address>>> ask_dns(host::Runtime& runtime, ResolverFiles files, std::string host,
                                           Patience patience) {
  Lookup lookup;
  CO_TRY(lookup.start(std::move(files), host));
  while (!lookup.done()) {
    if (patience.cancel) CO_TRY(patience.cancel->check());
    if (host::Clock::now() >= patience.whole)
      co_return fail(ErrorCode::timeout, fmt::format("look up '{}': no name server answers", host),
                     "check the network and the name servers in /etc/resolv.conf");
    auto end = std::min({lookup.next(), patience.whole, host::after(limits::kCancelPoll)});
    CO_TRY(co_await host::wait_readable(runtime, lookup.fd(), end));
    lookup.process();
  }
  co_return result_of(lookup, host);
}

}  // namespace banger::http
