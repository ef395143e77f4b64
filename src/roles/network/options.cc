#include "roles/network/options.h"

#include <charconv>
#include <limits>
#include <string_view>

#include "host/inherited_fd.h"

namespace banger::roles::network {

namespace {

std::unexpected<Error> usage() {
  return fail(ErrorCode::invalid,
              "usage: bangerd-net --socket PATH --lock PATH --bridge NAME --address IPV4 --prefix BITS --ready-fd N "
              "[--user-fd N --network-fd N]",
              "the daemon starts it when a VM needs it");
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

Result<> take(Options& options, std::string_view name, const std::string& value) {
  if (!options.network && (name == "--user-fd" || name == "--network-fd")) options.network.emplace();
  if (name == "--socket")
    options.socket = value;
  else if (name == "--lock")
    options.lock = value;
  else if (name == "--bridge")
    options.bridge.name = value;
  else if (name == "--address")
    options.bridge.address = TRY(net::parse_ipv4(value));
  else if (name == "--prefix")
    options.bridge.prefix = static_cast<std::uint32_t>(TRY(number_in(value)));
  else if (name == "--user-fd")
    options.network->user = TRY(descriptor_in(value));
  else if (name == "--network-fd")
    options.network->network = TRY(descriptor_in(value));
  else if (name == "--ready-fd")
    options.ready = TRY(descriptor_in(value));
  else
    return usage();
  return {};
}

}  // namespace

Result<Options> parse_options(std::span<char* const> arguments) {
  Options options;
  if (arguments.size() % 2 != 0) return usage();
  for (std::size_t i = 0; i < arguments.size(); i += 2) TRY(take(options, arguments[i], arguments[i + 1]));
  if (!options.socket.starts_with('/') || !options.lock.starts_with('/') || !options.ready) return usage();
  if (options.network && (!options.network->user || !options.network->network)) return usage();
  TRY(net::check_bridge(options.bridge));
  return options;
}

}  // namespace banger::roles::network
