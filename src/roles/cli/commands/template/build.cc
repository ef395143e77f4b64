// banger template build
#include <nlohmann/json.hpp>

#include "api/objects/template.h"
#include "roles/cli/output.h"
#include "roles/cli/quiet.h"
#include "roles/cli/vm_options.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {
    create_option(vm::field_named("image")),
    create_option(vm::field_named("kernel")),
    create_option(vm::field_named("vcpus")),
    create_option(vm::field_named("memory_bytes")),
    {.name = "rebuild", .help = "make a new template even if one exists"},
    kQuietOption,
    kJsonOption,
};
constexpr Example kExamples[] = {
    {"banger template build", "for 'banger vm run' without options"},
    {"banger template build --vcpu 2 --memory 1G", "for VMs of that size"},
};

Result<int> build(Context& context) {
  Json params = given_shape(context.args);
  if (context.args.flag("rebuild")) params["rebuild"] = true;
  auto progress = io_for_progress(context);
  auto daemon = TRY(Daemon::connect(progress));
  auto made = TRY(daemon.get<api::TemplateObject>("template.build", params));
  print_new(context, made, made.id, ready_line(made.id, made.size_bytes));
  return exit_status::kOk;
}

}  // namespace

extern const Command kTemplateBuild;
constinit const Command kTemplateBuild{
    .group = "template",
    .name = "build",
    .summary = "boot a guest once, so that VMs like it are cloned from it",
    .details =
        "'banger vm run' and 'banger vm create' make a missing template by themselves. This command makes it earlier.",
    .options = kOptions,
    .examples = kExamples,
    .handler = build,
};

}  // namespace banger::roles::cli
