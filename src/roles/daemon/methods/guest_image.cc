// image.build_from_vm: asks the agent of a running VM for its files, and makes an image from them.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/image.h"
#include "base/text.h"
#include "capabilities/file_sync/host_tree.h"
#include "engine/health/gc.h"
#include "engine/vm/wake.h"
#include "image/pulled_documents.h"
#include "link/errors.h"
#include "roles/daemon/bounds.h"
#include "roles/daemon/methods/image_object.h"
#include "roles/daemon/methods/methods.h"

namespace banger::roles::daemon {

namespace {

/// The agent's answer. The VM counts as used while it lasts.
class GuestFiles : public image::ByteStream {
 public:
  GuestFiles(std::shared_ptr<engine::VmOwner> vm, std::unique_ptr<link::ClientStream> stream)
      : vm_(std::move(vm)), use_(vm_->parts().use->begin()), stream_(std::move(stream)) {}

  Task<Result<std::string>> read() override { return stream_->read(); }

 private:
  std::shared_ptr<engine::VmOwner> vm_;
  engine::VmUse::Guard use_;
  std::unique_ptr<link::ClientStream> stream_;
};

/// The paths of [[file_sync]] often hold secrets, and a VM of the image gets them again.
std::string image_request(const config::Config& config) {
  Json left_out = Json::array();
  for (const auto& entry : config.file_sync) left_out.push_back("root/" + entry.guest);
  if (config.guest_git_identity) left_out.push_back(fmt::format("root/{}", capabilities::kGitIdentityInGuest));
  return dump_json({{"left_out", left_out}});
}

Task<Result<std::unique_ptr<image::ByteStream>>> open_files(std::shared_ptr<engine::VmOwner> vm, std::string request) {
  auto client = CO_TRY(co_await engine::reach_guest(vm, limits::kAgentConnectDeadline));
  auto stream = CO_TRY(
      co_await client->open({.method = "GET", .path = "/image", .headers = {}, .on_silence = link::OnSilence::end}));
  CO_TRY(co_await stream->write(std::move(request)));
  CO_TRY(co_await stream->finish());
  int status = CO_TRY(co_await stream->status(host::after(limits::kGuestImageSilence)));
  if (status >= 400) co_return std::unexpected(link::guest_error(status, CO_TRY(co_await stream->read())));
  co_return std::make_unique<GuestFiles>(std::move(vm), std::move(stream));
}

/// Name, kernel, run config and base. The kernel is the one that the VM runs.
image::GuestImage inherit(Daemon& daemon, const engine::VmRecord& vm, std::string name) {
  image::GuestImage made;
  made.image = {.name = std::move(name), .source = "vm:" + vm.name(), .kernel = vm.row().kernel};
  auto parent = daemon.services.images.get(vm.row().image_id);
  if (!parent) return made;
  made.image.run_config = parent->run_config;
  auto base = image::base_of(*parent);
  if (base.manifest.empty()) return made;
  // Without its documents, the base is of no use.
  if (auto documents = image::read_documents(*parent)) {
    made.image.base = std::move(base);
    made.documents = std::move(*documents);
  }
  return made;
}

/// A guest cannot send more than its disks hold.
std::uint64_t disk_bytes(Daemon& daemon, const engine::VmRecord& vm) {
  auto base = daemon.services.images.get(vm.row().image_id);
  return vm.spec().system_bytes + vm.spec().disk_bytes + (base ? base->rootfs_bytes : 0);
}

api::GuestImageObject describe(Daemon& daemon, const image::Image& image, const image::LeftOut& left_out) {
  api::GuestImageObject object{.image = full_image_object(daemon, image),
                               .left_out = {},
                               .left_out_more = static_cast<std::int64_t>(left_out.more)};
  for (const auto& [path, reason] : left_out.some)
    object.left_out.push_back({.path = printable(path, limits::kPathBytes), .reason = printable(reason)});
  return object;
}

Task<Result<Json>> build_from_vm(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto& images = daemon.services.images;
  auto vm = CO_TRY(named_vm(daemon, params));
  auto name = CO_TRY(get_string(params, "name"));
  auto what = fmt::format("make image '{}' from vm '{}'", printable(name), vm->record().name());
  auto before = images.get(name);
  auto made = inherit(daemon, vm->record(), name);
  made.tar = CO_TRY(co_await open_files(vm, image_request(daemon.services.config)));
  made.max_content_bytes = disk_bytes(daemon, vm->record());
  made.patience = limits::kGuestImageSilence;
  auto [image, left_out] =
      CO_TRY(in(what, co_await images.add_guest(std::move(made), report_to(context), context.cancel())));
  if (before && before->id != image.id) co_await engine::remove_orphan(daemon.services, daemon.vms, before->id);
  co_return api::to_json(describe(daemon, image, left_out));
}

constexpr Handler kHandlers[] = {{"image.build_from_vm", build_from_vm}};

}  // namespace

std::span<const Handler> guest_image_handlers() { return kHandlers; }

}  // namespace banger::roles::daemon
