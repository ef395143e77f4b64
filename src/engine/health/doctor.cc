#include "engine/health/doctor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "capabilities/ssh/owner_key.h"
#include "config/defaults.h"
#include "engine/health/cage_check.h"
#include "engine/health/disk_space.h"
#include "engine/health/proxy_check.h"
#include "engine/kvm_device.h"
#include "host/files.h"
#include "host/ulimits.h"
#include "image/store_guard.h"

namespace banger::engine {

namespace {

Check architecture() {
  utsname info{};
  ::uname(&info);
  std::string machine = info.machine;
  if (machine == "x86_64") return {"architecture", CheckStatus::pass, "amd64, Linux " + std::string(info.release), ""};
  return {"architecture", CheckStatus::fail,
          fmt::format("{} is not supported: kernels, images and the QEMU machine type are amd64 only", machine),
          "use an amd64 host"};
}

Task<Check> qemu(Services& services) {
  auto facts = co_await services.vmms.qemu();
  if (!facts && services.config.machine == config::MachineChoice::firecracker)
    co_return Check{"qemu", CheckStatus::pass,
                    fmt::format("not used: VMs run under Firecracker ({})", facts.error().message), ""};
  if (!facts) co_return Check{"qemu", CheckStatus::fail, facts.error().message, facts.error().hint};
  co_return Check{"qemu", CheckStatus::pass, fmt::format("{} {}", facts->binary, facts->version), ""};
}

Task<Check> cage(Services& services) {
  auto facts = co_await services.vmms.qemu();
  if (!facts) co_return Check{"cage", CheckStatus::pass, "not used: there is no QEMU", ""};
  co_return cage_check(*facts, host::prove_confinement());
}

Task<Check> kvm(Services& services, Verdicts verdicts) {
  auto kernels = services.kernels.list();
  if (!kernels || kernels->empty()) {
    auto device = find_kvm();
    if (device.state == KvmDevice::State::open)
      co_return Check{"kvm", CheckStatus::warn,
                      "/dev/kvm exists, but there is no kernel yet to test whether it can run a guest",
                      "banger kernel pull debian-cloud, then banger doctor again"};
    co_return Check{"kvm", CheckStatus::warn,
                    fmt::format("{}; VMs run under software emulation (TCG), which works but is slower", device.reason),
                    device.hint};
  }
  if (verdicts == Verdicts::fresh)
    for (const auto& kernel : *kernels) (void)co_await services.vmms.forget_kvm(kernel.vmlinux);
  auto verdict = co_await services.vmms.kvm(kernels->front().vmlinux);
  if (!verdict) co_return Check{"kvm", CheckStatus::warn, verdict.error().message, verdict.error().hint};
  if (verdict->usable) co_return Check{"kvm", CheckStatus::pass, verdict->reason, ""};
  // A verdict with a way out comes from the device, and nobody keeps it.
  std::string again = verdict->hint.empty()
                          ? "this result is kept until the host reboots; banger doctor --fix tests KVM again"
                          : verdict->hint;
  auto facts = co_await services.vmms.qemu();
  if (facts && !facts->tcg_built_in)
    co_return Check{"kvm", CheckStatus::fail,
                    fmt::format("{}, and {} has no software emulation (TCG)", verdict->reason, facts->binary), again};
  co_return Check{"kvm", CheckStatus::warn,
                  fmt::format("{}; VMs run under software emulation (TCG), which works but is slower", verdict->reason),
                  again};
}

// Without a kernel nobody knows whether KVM runs guests, and nothing speaks against it.
Task<Check> wanted_firecracker(Services& services, const std::string& found, const std::string& kernel) {
  auto verdict = kernel.empty() ? Result<machine::KvmVerdict>(fail(ErrorCode::not_found, ""))
                                : co_await services.vmms.firecracker_kvm(kernel);
  if (!verdict || verdict->usable)
    co_return Check{"firecracker", CheckStatus::pass, found + "; used: machine = \"firecracker\"", ""};
  // Without its device KVM cannot work. A probe that failed may also mean a slow host.
  if (!verdict->hint.empty())
    co_return Check{"firecracker", CheckStatus::fail, fmt::format("{}; it needs KVM, and {}", found, verdict->reason),
                    verdict->hint + "; or set machine = \"qemu\""};
  co_return Check{"firecracker", CheckStatus::warn,
                  fmt::format("{}; used, but KVM may not work: {}", found, verdict->reason), "set machine = \"auto\""};
}

// If the config names Firecracker, Firecracker and KVM are required. Otherwise Firecracker is optional.
Task<Check> firecracker(Services& services) {
  bool wanted = services.config.machine == config::MachineChoice::firecracker;
  if (services.config.machine == config::MachineChoice::qemu)
    co_return Check{"firecracker", CheckStatus::pass, "not used: machine = \"qemu\"", ""};
  auto facts = co_await services.vmms.firecracker();
  if (!facts) {
    bool absent = facts.error().code == ErrorCode::not_found && services.config.firecracker_bin.empty();
    auto status = wanted ? CheckStatus::fail : absent ? CheckStatus::pass : CheckStatus::warn;
    co_return Check{"firecracker", status, fmt::format("not used: {}", facts.error().message),
                    wanted || !absent ? facts.error().hint : ""};
  }
  auto found = fmt::format("{} {}", facts->binary, to_string(facts->version));
  auto kernels = services.kernels.list();
  std::string kernel = kernels && !kernels->empty() ? kernels->front().vmlinux : "";
  if (!wanted) {
    auto choice = kernel.empty()
                      ? Choice{}
                      : (co_await services.vmms.decide(kernel, network_needs(vm::Spec{}))).value_or(Choice{});
    bool used = choice.vmm == Choice::Vmm::firecracker;
    auto why = choice.why.empty() ? "there is no kernel to test KVM with yet" : choice.why;
    co_return Check{"firecracker", CheckStatus::pass, fmt::format("{}; {}: {}", found, used ? "used" : "not used", why),
                    ""};
  }
  co_return co_await wanted_firecracker(services, found, kernel);
}

// Makes a real reflink, because the type of a file system does not show whether reflinks work.
Check storage(const Services& services) {
  auto from = services.paths.run() + "/reflink-from", to = services.paths.run() + "/reflink-to";
  (void)host::remove_file(to);
  bool reflinks = false;
  if (host::write_file(from, std::string(4096, 'x'))) {
    auto source = host::open_file(from, O_RDONLY);
    auto target = host::open_file(to, O_WRONLY | O_CREAT | O_EXCL);
    reflinks = source && target && ::ioctl(target->get(), FICLONE, source->get()) == 0;
  }
  (void)host::remove_file(from);
  (void)host::remove_file(to);
  auto kind = services.config.storage;
  auto detail = fmt::format("{}; disks are {}", vm::to_string(kind),
                            reflinks ? "cloned by reflink" : "copied sparsely (no reflinks here)");
  if (kind == vm::Storage::copy && !reflinks) detail += ", so each VM needs as much space as its image";
  return {"storage", CheckStatus::pass, detail, ""};
}

Check ulimits() {
  auto low = host::low_limits();
  if (low.empty()) return {"limits", CheckStatus::pass, "this daemon has all the files, memory and time it needs", ""};
  std::vector<std::string> texts, options;
  for (const auto& limit : low) {
    texts.push_back(fmt::format("{} at most {}", limit.what, limit.value));
    options.push_back("ulimit " + limit.option);
  }
  return {"limits", CheckStatus::warn,
          fmt::format("VMs may fail, because this daemon inherited limits: {}", join(texts, "; ")),
          fmt::format("raise them ({}), then banger daemon stop; the next command starts a daemon without them",
                      join(options, ", "))};
}

Check private_state(const Services& services) {
  struct stat info{};
  auto path = services.paths.run();
  if (::lstat(path.c_str(), &info) < 0)
    return {"state directory", CheckStatus::fail, fmt::format("{} is missing", path), ""};
  if (info.st_uid != ::geteuid() || (info.st_mode & 077))
    return {"state directory", CheckStatus::fail, fmt::format("other users can access {}", path),
            fmt::format("chmod 700 {}", path)};
  return {"state directory", CheckStatus::pass, fmt::format("{} (private)", services.paths.state), ""};
}

Check stores(const Services& services) {
  if (auto kept = image::check_stores(services.paths); !kept)
    return {"image stores", CheckStatus::fail, kept.error().message, kept.error().hint};
  return {"image stores", CheckStatus::pass, fmt::format("{} (only this user writes there)", services.paths.data), ""};
}

/// Whether the catalog has it from somewhere else than the distribution. A catalog behind a URL is not asked.
Task<bool> may_be_pulled(Services& services, image::catalog::BundleKind kind, std::string name) {
  if (!services.catalog) co_return false;
  auto known = co_await services.catalog->reader().known();
  if (!known) co_return !services.config.catalog.empty();
  const auto* entry = find_entry(known->catalog, kind, name);
  co_return entry && entry->sources.front().kind != image::catalog::SourceKind::packages;
}

Task<Check> default_image(Services& services) {
  const auto& name = services.config.default_image_name;
  if (auto image = services.images.get(name))
    co_return Check{"default image", CheckStatus::pass, fmt::format("{} ({})", name, format_size(image->size_bytes)),
                    ""};
  auto recipes = services.images.recipes();
  bool buildable = std::any_of(recipes.begin(), recipes.end(), [&](const auto& recipe) { return recipe.name == name; });
  bool is_reference = name.find_first_of("/:@") != std::string::npos;
  if (is_reference || co_await may_be_pulled(services, image::catalog::BundleKind::image, name))
    co_return Check{"default image", CheckStatus::pass,
                    fmt::format("{} is not here yet; the first `vm run` pulls it", name), ""};
  if (!buildable)
    co_return Check{"default image", CheckStatus::fail,
                    fmt::format("there is no image '{}' and no recipe for it", name),
                    "banger image list shows all images"};
  const char* path = std::getenv("PATH");
  if (!host::find_program("mmdebstrap", path ? path : ""))
    co_return Check{"default image", CheckStatus::fail,
                    fmt::format("{} is not built yet, and building it needs mmdebstrap", name),
                    "apt install mmdebstrap uidmap"};
  co_return Check{"default image", CheckStatus::pass,
                  fmt::format("{} is not built yet; the first `vm run` builds it", name), ""};
}

Task<Check> default_kernel(Services& services) {
  auto kernels = services.kernels.list();
  if (kernels && !kernels->empty() && kernels->front().modules_image.empty())
    co_return Check{"kernel", CheckStatus::warn,
                    fmt::format("{} has no modules: guests cannot load the modules that containers and firewalls need",
                                kernels->front().name),
                    "apt install kmod; then banger kernel pull debian-cloud, or import it again with --modules"};
  if (kernels && !kernels->empty())
    co_return Check{"kernel", CheckStatus::pass, fmt::format("{} {}", kernels->front().name, kernels->front().release),
                    ""};
  const char* path = std::getenv("PATH");
  bool elsewhere = co_await may_be_pulled(services, image::catalog::BundleKind::kernel, "debian-cloud");
  if (!elsewhere && !host::find_program("apt-get", path ? path : ""))
    co_return Check{"kernel", CheckStatus::fail, "there is no kernel, and this host has no apt to download one",
                    "banger kernel import NAME --vmlinux FILE"};
  co_return Check{"kernel", CheckStatus::pass, "debian-cloud is not installed yet; the first `vm run` pulls it", ""};
}

// The helper is optional, so a missing helper is not a failure.
Task<Check> helper(Services& services) {
  auto& privileged = services.privileged;
  switch (privileged.way()) {
    case PrivilegedClient::Way::private_network:
    case PrivilegedClient::Way::none:
      co_return Check{"root helper", CheckStatus::pass, "not installed: VMs have networks that need no root",
                      "for bridges of this host, jails and dm-snapshot, as root: banger system install --owner USER"};
    case PrivilegedClient::Way::in_process:
      co_return Check{"root helper", CheckStatus::pass, "not needed: this daemon runs as root", ""};
    case PrivilegedClient::Way::helper:
      break;
  }
  auto reply = co_await privileged.call("helper.version", "{}");
  if (!reply) co_return Check{"root helper", CheckStatus::warn, reply.error().message, reply.error().hint};
  auto facts = parse_json(reply->result, limits::kHelperMessageBytes);
  auto version = facts ? get_string(*facts, "version").value_or("") : std::string();
  if (version != BANGER_VERSION)
    co_return Check{"root helper", CheckStatus::warn,
                    fmt::format("its version is {}, but this daemon is {}", printable(version, 32), BANGER_VERSION),
                    "as root: banger system install"};
  co_return Check{"root helper", CheckStatus::pass, fmt::format("version {} at {}", version, privileged.socket()), ""};
}

Check ssh_key(const Services& services) {
  auto key = capabilities::owner_key(services.paths, services.config);
  if (!key)
    return {"ssh key", CheckStatus::warn,
            fmt::format("{}; new guests accept no key, so vm ssh cannot log in", key.error().message),
            key.error().hint};
  return {"ssh key", CheckStatus::pass, key->private_path, ""};
}

Check defaults(const Services& services) {
  auto d = config::resolve_defaults(services.config,
                                    {.cpus = services.host_size.cpus, .memory_bytes = services.host_size.memory_bytes});
  return {"vm defaults", CheckStatus::pass,
          fmt::format("{} vcpu ({}), {} memory ({}), {} disk ({})", d.vcpus.value, d.vcpus.source,
                      format_size(d.memory_bytes.value), d.memory_bytes.source, format_size(d.disk_bytes.value),
                      d.disk_bytes.source),
          ""};
}

}  // namespace

Task<std::vector<Check>> run_doctor(Services& services, Verdicts verdicts) {
  std::vector<Check> checks;
  checks.push_back(architecture());
  checks.push_back(co_await qemu(services));
  checks.push_back(co_await cage(services));
  checks.push_back(co_await kvm(services, verdicts));
  checks.push_back(co_await firecracker(services));
  checks.push_back(private_state(services));
  checks.push_back(stores(services));
  checks.push_back(ulimits());
  checks.push_back(check_disk_space(services));
  checks.push_back(storage(services));
  checks.push_back(co_await default_kernel(services));
  checks.push_back(co_await default_image(services));
  checks.push_back(defaults(services));
  checks.push_back(ssh_key(services));
  checks.push_back(co_await helper(services));
  if (auto proxy = proxy_check(services.config, services.proxy)) checks.push_back(std::move(*proxy));
  for (auto& check : co_await services.resources.checks()) checks.push_back(std::move(check));
  co_return checks;
}

}  // namespace banger::engine
