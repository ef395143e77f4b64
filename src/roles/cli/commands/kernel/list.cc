// banger kernel list
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/objects/kernel.h"
#include "base/text.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/times.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"ls"};
constexpr Option kOptions[] = {
    {.name = "quiet", .letter = 'q', .help = "print only names; the name is the kernel's id"},
    {.name = "json", .help = "print a JSON array of kernels"},
};

std::string table_text(const api::KernelList& list, Colours colours) {
  Table table({"NAME", "RELEASE", "SOURCE", "SIZE", "USED BY", "AGE"});
  for (const auto& kernel : list.kernels)
    table.add({kernel.name, kernel.release, kernel.source, format_size(kernel.size_bytes), join(kernel.used_by, ", "),
               age_of(kernel.created_at)});
  std::string text = table.text(colours);
  for (const auto& name : list.pullable)
    if (std::ranges::find(list.kernels, name, &api::KernelObject::name) == list.kernels.end())
      text += fmt::format("not pulled yet: {}\n", safe_text(name));
  return text;
}

Result<int> run(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto list = TRY(daemon.get<api::KernelList>("kernel.list"));
  print_list(context, list.kernels, &api::KernelObject::name, table_text(list, colours_of(context)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kKernelList;
constinit const Command kKernelList{
    .group = "kernel",
    .name = "list",
    .aliases = kAliases,
    .summary = "list kernels, and names that can be pulled",
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
