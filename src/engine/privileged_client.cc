#include "engine/privileged_client.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "capabilities/privileged_table.h"
#include "engine/helper_call.h"

namespace banger::engine {

namespace {

using capabilities::PrivilegedReply;

constexpr std::string_view kInstallHint = "as root: banger system install --owner USER";

}  // namespace

PrivilegedClient::PrivilegedClient(host::Runtime& runtime, const Logger& log, const host::Paths& paths,
                                   const config::Config& config, std::string socket)
    : runtime_(runtime),
      socket_(std::move(socket)),
      table_(capabilities::privileged_table()),
      own_context_{
          ::geteuid(), ::getegid(), config.bridge_name, config.bridge_ip, config.cidr, {paths.state, paths.data}, log},
      turn_(runtime) {}

PrivilegedClient::Way PrivilegedClient::way() const {
  if (::access(socket_.c_str(), F_OK) == 0) return Way::helper;
  return ::geteuid() == 0 ? Way::in_process : Way::none;
}

Task<Result<PrivilegedReply>> PrivilegedClient::call(std::string operation, std::string arguments) {
  switch (way()) {
    case Way::helper:
      co_return co_await call_helper(runtime_, {socket_, 0, "the root helper", "journalctl -u bangerd-root"},
                                     std::move(operation), std::move(arguments));
    case Way::in_process:
      co_return co_await do_here(std::move(operation), std::move(arguments));
    case Way::private_network:
    case Way::none:
      break;
  }
  co_return fail(ErrorCode::unavailable, fmt::format("{} needs the root helper, which is not installed", operation),
                 std::string(kInstallHint));
}

Task<Result<PrivilegedReply>> PrivilegedClient::do_here(std::string operation, std::string arguments) {
  auto parsed = CO_TRY(parse_json(arguments, limits::kHelperMessageBytes));
  auto lock = co_await turn_.lock();
  auto* found = CO_TRY(capabilities::validated(table_, own_context_, operation, parsed));
  auto effect = [found, this, parsed] { return found->effect(own_context_, parsed); };
  auto reply = co_await runtime_.blocking(effect);
  co_return in(operation, std::move(reply));
}

}  // namespace banger::engine
