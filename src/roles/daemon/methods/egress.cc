// vm.egress: what a guest with an egress policy reached and tried to reach.
#include "api/objects/egress.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "capabilities/egress_policy.h"
#include "roles/daemon/bounds.h"
#include "roles/daemon/methods/methods.h"

namespace banger::roles::daemon {

namespace {

std::string policy_text(const egress::Policy& policy) {
  auto text = to_text(policy);
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
  auto policy = CO_TRY(capabilities::policy_of(daemon.services.config, vm->record().spec()));
  if (!capabilities::needs_gate(policy))
    co_return fail(ErrorCode::invalid, fmt::format("vm '{}' has no egress policy, so nothing is recorded", name),
                   fmt::format("'banger vm set {} --allow HOST' limits it to that host, and records", name));
  auto since = static_cast<std::uint64_t>(CO_TRY(find_int(params, "since")).value_or(0));
  auto text = CO_TRY(co_await daemon.services.egress.log(vm->record().id(), since));
  auto log = CO_TRY(in(fmt::format("the egress log of vm '{}'", name), log_of(text)));
  log.policy = policy_text(policy);
  co_return api::to_json(log);
}

constexpr Handler kHandlers[] = {{"vm.egress", egress}};

}  // namespace

std::span<const Handler> egress_handlers() { return kHandlers; }

}  // namespace banger::roles::daemon
