#include "engine/vm/parts.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/json.h"
#include "base/text.h"
#include "capabilities/ssh/owner_key.h"
#include "net/addresses.h"

namespace banger::engine {

namespace {

// Templates and pool machines have one-letter host names. A clone overwrites the name in place, and truncating a file
// costs more than overwriting it. "p" differs from "t" so that a pool machine has rewritten the file once already.
std::string guest_name(const store::VmRow& row) {
  if (row.purpose == store::Purpose::user) return row.name;
  return row.purpose == store::Purpose::template_build ? "t" : "p";
}

// The VM's own token, then the token of its saved state. A restored guest uses the saved token until it has its
// identity. If the agent or the daemon dies around that moment, the guest may use either token.
Result<std::vector<std::string>> link_tokens(const Services& services, const store::VmRow& row) {
  std::vector<std::string> tokens = {TRY(from_hex(row.link_token))};
  if (auto save = services.saves.get(row.save_id)) tokens.push_back(TRY(from_hex(save->link_token)));
  return tokens;
}

/// Read each time, because users change their keys. A VM is useful without a key, so an error only goes to the log.
/// Doctor and `vm ssh` report the same error.
std::string owner_key_of(const Services& services) {
  auto key = capabilities::owner_key(services.paths, services.config);
  if (key) return std::move(key->public_key);
  services.log.warn("ssh.no_key", {{"error", key.error().sentence()}});
  return "";
}

/// A guest without the certificate is useful for everything but its secrets.
std::string authority_of(const Services& services, const vm::Spec& spec) {
  if (spec.secrets.empty() || !services.secrets) return "";
  auto root = services.secrets->authority().root_for(spec.secrets);
  if (root) return std::move(*root);
  services.log.warn("secret.no_certificate", {{"error", root.error().sentence()}});
  return "";
}

// A guest that goes on, as after a resume or in a fork, keeps its files as they are. Templates and the ready pool have
// no user yet, and must not hold what is secret.
bool gets_files(const store::VmRow& row) {
  using enum store::StartedFrom;
  auto from = row.started_from;
  return row.purpose == store::Purpose::user && (from == boot || from == clone || from == pool);
}

Task<Result<>> send_config(const Services& services, std::shared_ptr<VmRecord> record,
                           std::shared_ptr<link::Client> client, Disks disks) {
  if (!client) co_return fail(ErrorCode::unavailable, "the link to the guest is broken");
  // Made at the last moment, because the config contains the time.
  auto guest = CO_TRY(guest_config(CO_TRY(vm_context(services, *record))));
  if (CO_TRY(co_await configure(*client, std::move(guest), disks)) == Clock::unsure)
    services.log.warn("vm.clock_unsure", {{"vm", record->row().name}, {"id", record->row().id}});
  co_return Result<>{};
}

}  // namespace

VmParts::VmParts(Services& s, store::VmRow row, vm::Spec spec)
    : services(s),
      record(std::make_shared<VmRecord>(s.runtime, s.log, s.store, std::move(row), std::move(spec), s.events)),
      machine(std::make_shared<RunningMachine>(s, record)),
      link(std::make_shared<AgentLink>(
          s.runtime, s.log, record, [&s, r = record] { return link_tokens(s, r->row()); },
          [&s, r = record](std::shared_ptr<link::Client> client) {
            return send_config(s, r, std::move(client), Disks::unchanged);
          })),
      use(std::make_shared<VmUse>(record, link)),
      wake(std::make_shared<SharedWake>(s.runtime)),
      disks(s.runtime, s.saves, s.paths.vm(record->row().id)) {}

Result<capabilities::VmContext> vm_context(const Services& services, const VmRecord& record) {
  const auto& row = record.row();
  auto image = TRY(services.images.get(row.image_id));
  auto kernel = TRY(services.kernels.get(row.kernel));
  return capabilities::VmContext{.runtime = services.runtime,
                                 .log = services.log,
                                 .id = row.id,
                                 .name = guest_name(row),
                                 .spec = record.spec(),
                                 .directory = services.paths.vm(row.id),
                                 .rootfs = image.rootfs,
                                 .work_seed = image.work_seed,
                                 .run_config = image.run_config,
                                 .kernel = kernel.vmlinux,
                                 .modules = kernel.modules_image,
                                 .link_token = row.link_token,
                                 .number = row.number,
                                 .first_boot = !row.booted,
                                 .restores = !row.save_id.empty(),
                                 .port = services.resources.port(row.id),
                                 .owner_key = owner_key_of(services),
                                 .link_local = services.config.guest_link_local,
                                 .timezone = services.config.guest_timezone,
                                 .locale = services.config.guest_locale,
                                 .proxy = services.proxy,
                                 .authority = authority_of(services, record.spec()),
                                 .files = gets_files(row) ? host_files(services) : capabilities::HostFiles{}};
}

capabilities::HostFiles host_files(const Services& services) {
  return {.entries = services.config.file_sync,
          .home = services.paths.home,
          .only_home = services.system_install,
          .git_identity = services.config.guest_git_identity};
}

Result<guestcfg::GuestConfig> guest_config(const capabilities::VmContext& context) {
  guestcfg::GuestConfig guest;
  for (const auto* capability : capabilities::all())
    if (capability->guest) TRY(in(capability->name, capability->guest(context, guest)));
  for (const auto& [key, value] : context.spec.environment) guest.environment[key] = value;
  return guest;
}

Task<Result<>> send_config(VmParts& vm, Disks disks) {
  return send_config(vm.services, vm.record, vm.link->client(), disks);
}

std::optional<std::string> own_address(const VmParts& vm) {
  return vm.services.resources.address(vm.row().id, vm.spec());
}

std::string guest_address(const VmParts& vm) {
  if (auto own = own_address(vm)) return *own;
  std::string_view address = net::kUserGuest;
  return std::string(address.substr(0, address.find('/')));
}

Result<vm::Spec> saved_spec(const store::SaveRow& save) {
  return vm::spec_from_json(TRY(parse_json(save.spec, limits::kRpcMessageBytes)));
}

std::int64_t unix_now() { return std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()); }

}  // namespace banger::engine
