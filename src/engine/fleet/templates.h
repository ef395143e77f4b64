// Templates: a guest of an image, kernel and shape, booted to *system ready* once, quiesced and saved; clones go on
// from it. One is built when it is first needed, by whoever comes first; the others wait for the same build.
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

/// Makes a hidden VM that a template is made of, and removes it again.
struct TemplateVms {
  std::function<Result<std::shared_ptr<VmOwner>>(const vm::Spec& spec, const image::Image& image,
                                                 const std::string& kernel)>
      make;
  std::function<Task<Result<>>(std::shared_ptr<VmOwner> vm)> remove;
};

struct TemplateRequest {
  vm::Spec spec;
  image::Image image;
  image::Kernel kernel;
};

/// The spec of the template for a VM of that spec: the same sizes, but disks no larger than the default ones, for disks
/// only grow.
vm::Spec template_spec(const vm::Spec& spec, const config::Config& config, const vm::HostSize& host);

/// Everything that a template's state depends on, apart from its spec.
struct TemplateInputs {
  std::string image_id;
  std::string kernel_sha256;
  std::string agent_archive;  ///< its name stands for the kernel's content and for this program's, which is the agent's
  std::string machine_build;  ///< machine::Driver::build_key()
};
/// What a template is found by. Environment and labels are no part of it: a clone gets its own.
std::string template_key(const TemplateInputs& inputs, const vm::Spec& spec);

class Templates {
 public:
  Templates(Services& services, TemplateVms vms) : services_(services), vms_(std::move(vms)) {}

  /// template_key() of this request with the VMM and the agent there are.
  Task<Result<std::string>> key(const TemplateRequest& request);
  std::optional<store::SaveRow> find(std::string_view key) const;
  /// The template, built first where there is none. The build goes on when the caller is cancelled. An error after
  /// which a VM should boot: the same build is not tried again for a while.
  Task<Result<store::SaveRow>> find_or_build(TemplateRequest request, Stages& stages, host::Cancel& cancel);
  /// Forgets that a build failed, and retires the template there is.
  Task<Result<>> forget(const TemplateRequest& request);
  /// Retires templates that nothing can ask for any more (other images, kernels, builds), or nobody did for a month.
  Task<> retire_orphans();
  bool building(std::string_view key) const { return builds_.contains(std::string(key)); }

 private:
  struct Build;
  static Task<> run(Templates* self, std::shared_ptr<Build> build, TemplateRequest request);
  Task<bool> is_orphan(store::SaveRow row);
  Task<Result<>> build(Build& build, const TemplateRequest& request);

  Services& services_;
  TemplateVms vms_;
  std::map<std::string, std::shared_ptr<Build>> builds_;  ///< under way, by key
  struct Failure {
    host::Deadline again;
    Error error;
  };
  std::map<std::string, Failure> failures_;
};

}  // namespace banger::engine
