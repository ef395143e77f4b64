#include "roles/gate/options.h"

#include <charconv>
#include <string_view>

#include "host/inherited_fd.h"
#include "roles/gate/bounds.h"

namespace banger::roles::gate {

namespace {

std::unexpected<Error> usage() {
  return fail(ErrorCode::invalid,
              "usage: bangerd-gate --control-fd N --tcp-fd N --names-udp-fd N --names-tcp-fd N --network CIDR "
              "--server IPV4:PORT… [--vm-names IPV4:PORT] [--proxy IPV4:PORT] --place TEXT",
              "the daemon starts it when a VM has an egress policy");
}

Result<int> number_in(std::string_view text) {
  int number = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) return usage();
  return number;
}

Result<UniqueFd> descriptor_in(std::string_view text) {
  auto descriptor = host::inherited_fd(text);
  return descriptor ? Result<UniqueFd>(std::move(*descriptor)) : usage();
}

Result<net::Range> range_in(std::string_view text) {
  auto slash = text.find('/');
  if (slash == text.npos) return usage();
  auto prefix = TRY(number_in(text.substr(slash + 1)));
  if (prefix > 32) return usage();
  return net::Range::around(TRY(net::parse_ipv4(text.substr(0, slash))), static_cast<std::uint32_t>(prefix));
}

Result<> take(Options& options, std::string_view name, const std::string& value) {
  if (name == "--control-fd")
    options.control = TRY(descriptor_in(value));
  else if (name == "--tcp-fd")
    options.sockets.tcp = TRY(descriptor_in(value));
  else if (name == "--names-udp-fd")
    options.sockets.names.udp = TRY(descriptor_in(value));
  else if (name == "--names-tcp-fd")
    options.sockets.names.tcp = TRY(descriptor_in(value));
  else if (name == "--network")
    options.peers = TRY(range_in(value));
  else if (name == "--server")
    options.servers.outside.push_back(TRY(host::parse_endpoint(value)));
  else if (name == "--vm-names")
    options.servers.vm_names = TRY(host::parse_endpoint(value));
  else if (name == "--proxy")
    options.proxy = TRY(host::parse_endpoint(value));
  else if (name == "--place")
    options.place = value;
  else
    return usage();
  return {};
}

}  // namespace

Result<Options> parse_options(std::span<char* const> arguments) {
  Options options;
  if (arguments.size() % 2 != 0 || arguments.size() > 2 * limits::kGateOptions) return usage();
  for (std::size_t i = 0; i < arguments.size(); i += 2) TRY(take(options, arguments[i], arguments[i + 1]));
  const auto& [tcp, names] = options.sockets;
  // Without a network, every address would be one of a VM.
  bool whole = options.control && tcp && names.udp && names.tcp && options.peers.prefix > 0 &&
               !options.servers.outside.empty() && !options.place.empty();
  return whole ? Result<Options>(std::move(options)) : usage();
}

}  // namespace banger::roles::gate
