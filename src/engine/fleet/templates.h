// Templates. A guest of one image, kernel and shape boots once to *system ready*, is quiesced and saved. Clones start
// from this saved state. The first create that needs a template builds it; other creates wait for the same build.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "config/config.h"
#include "engine/services.h"
#include "engine/stages.h"
#include "engine/vm/owner.h"
#include "image/store.h"

namespace banger::engine {

/// Makes and removes the hidden VM that becomes a template.
struct TemplateVms {
  std::function<Result<std::shared_ptr<VmOwner>>(const vm::Spec& spec, const image::Image& image,
                                                 const std::string& kernel)>
      make;
  std::function<Task<Result<>>(std::shared_ptr<VmOwner> vm)> remove;
  /// `exhausted` when the host has no memory for a guest of that size.
  std::function<Task<Result<>>(std::uint64_t memory_bytes)> make_room;
};

struct TemplateRequest {
  vm::Spec spec;
  image::Image image;
  image::Kernel kernel;
};

/// What a caller wants if the last build of this template failed a short time ago.
enum class AfterFailure {
  gives_up,     ///< a create, which can boot instead
  tries_again,  ///< a user who asks for the template
};

/// The spec of the template for a VM of that spec. The sizes are the same, but disks are at most as large as the
/// defaults, because disks can only grow.
vm::Spec template_spec(const vm::Spec& spec, const config::Config& config, const vm::HostSize& host);

/// Everything that determines a template's state, apart from its spec.
struct TemplateInputs {
  std::string image_id;
  std::string kernel_sha256;
  std::string agent_archive;  ///< a path, whose last part identifies the content of the kernel and of this program
  std::string machine_build;  ///< machine::Driver::build_key()
};
/// What a user reads while a missing template is being made: why, and how to make it ahead of time.
std::string build_notice(const TemplateRequest& request);

/// The key of a template. Environment and labels are not part of the key, because each clone gets its own.
std::string template_key(const TemplateInputs& inputs, const vm::Spec& spec);

class Templates {
 public:
  Templates(Services& services, TemplateVms vms) : services_(services), vms_(std::move(vms)) {}

  /// template_key() of this request with the present VMM and agent.
  Task<Result<std::string>> key(const TemplateRequest& request);
  std::optional<store::SaveRow> find(std::string_view key) const;
  /// The template. Builds a missing template, if the host has memory for its guest. A build continues when the caller
  /// is cancelled. After an error the caller should boot the VM. With `gives_up`, a failed build is not repeated for a
  /// while: its error is returned.
  Task<Result<store::SaveRow>> find_or_build(TemplateRequest request, Stages& stages, host::Cancel& cancel,
                                             AfterFailure after = AfterFailure::gives_up);
  /// Retires the existing template.
  Task<Result<>> forget(const TemplateRequest& request);
  /// Retires templates that no request can find any more (other images, kernels, builds), and templates that were
  /// unused for a month.
  Task<> retire_orphans();
  bool building(std::string_view key) const { return builds_.contains(std::string(key)); }

 private:
  struct Build;
  static Task<> run(Templates* self, std::shared_ptr<Build> build, TemplateRequest request);
  Task<bool> is_orphan(store::SaveRow row);
  Task<Result<>> build(Build& build, const TemplateRequest& request);

  Services& services_;
  TemplateVms vms_;
  std::map<std::string, std::shared_ptr<Build>> builds_;  ///< running builds, by key
  struct Failure {
    host::Deadline again;
    Error error;
  };
  std::map<std::string, Failure> failures_;
};

}  // namespace banger::engine
