// vm.egress: what a guest with an egress policy reached and tried to reach.
#include "api/objects/egress.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "capabilities/egress_policy.h"
#include "roles/daemon/bounds.h"
#include "roles/daemon/methods/methods.h"

namespace banger::roles::daemon {

namespace {

// The log of a VM stays readable when its policy has left the config.
std::string policy_text(const Result<egress::Policy>& policy, const vm::Spec& spec) {
  auto text = policy ? to_text(*policy) : spec.egress + ", which is not in the config";
  if (text.size() <= limits::kPolicyTextBytes) return text;
  return text.substr(0, text.rfind(", ", limits::kPolicyTextBytes)) + ", …";
}

// The oldest changes, as many as fit into a message. The guest chooses the names, so rows may be long.
void keep_what_fits(api::EgressLog& log) {
  std::size_t bytes = 0, kept = 0;
  for (const auto& row : log.rows) {
    bytes += dump_json(api::to_json(row)).size();
    if (kept > 0 && bytes > limits::kEgressRowsBytes) break;
    ++kept;
  }
  bool cut = kept < log.rows.size();
  log.more = log.more || cut;
  log.rows.resize(kept);
  if (cut) log.sequence = log.rows.back().sequence;
}

Result<api::EgressLog> log_of(const std::string& text) {
  auto log = api::read<api::EgressLog>(TRY(parse_json(text, limits::kEgressLogBytes)));
  if (!log) return fail(ErrorCode::corrupt, std::move(log.error().message));
  keep_what_fits(*log);
  return log;
}

Task<Result<Json>> egress(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto vm = CO_TRY(named_vm(daemon, params));
  auto name = vm->record().name();
  const auto spec = vm->record().spec();
  auto policy = capabilities::policy_of(daemon.services.config, spec);
  if (spec.network == vm::Network::user)
    co_return fail(ErrorCode::invalid, fmt::format("vm '{}' is in the user network, which records nothing", name),
                   "a bridge or a private network does: banger doctor names what it lacks");
  if (policy && !capabilities::needs_gate(*policy))
    co_return fail(ErrorCode::invalid, fmt::format("vm '{}' has no egress policy, so nothing is recorded", name),
                   fmt::format("'banger vm set {} --allow HOST' limits it to that host, and records", name));
  auto since = static_cast<std::uint64_t>(CO_TRY(find_int(params, "since")).value_or(0));
  auto text = CO_TRY(co_await daemon.services.egress.log(vm->record().id(), since));
  auto log = CO_TRY(in(fmt::format("the egress log of vm '{}'", name), log_of(text)));
  log.policy = policy_text(policy, spec);
  co_return api::to_json(log);
}

constexpr Handler kHandlers[] = {{"vm.egress", egress}};

}  // namespace

std::span<const Handler> egress_handlers() { return kHandlers; }

}  // namespace banger::roles::daemon
