// banger kernel list
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/objects/kernel.h"
#include "base/text.h"
#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/fields.h"
#include "roles/cli/table.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"ls"};
constexpr Option kOptions[] = {
    {.name = "quiet", .letter = 'q', .help = "print only names; the name is the kernel's id"},
    {.name = "json", .help = "print a JSON array of kernels"},
};

std::string table_text(const api::KernelList& list, bool colour) {
  Table table({"NAME", "RELEASE", "SOURCE", "SIZE", "USED BY", "AGE"});
  for (const auto& kernel : list.kernels)
    table.add({kernel.name, kernel.release, kernel.source, format_size(kernel.size_bytes), join(kernel.used_by, ", "),
               age_of(kernel.created_at)});
  std::string text = table.text(colour);
  for (const auto& name : list.pullable)
    if (std::ranges::find(list.kernels, name, &api::KernelObject::name) == list.kernels.end())
      text += fmt::format("not pulled yet: {}\n", safe_text(name));
  return text;
}

Result<int> run(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::connect(io));
  auto answer = TRY(daemon.call("kernel.list", Json::object()));
  if (context.args.flag("json")) {
    io.print(dump_json_pretty(list_of(answer, "kernels")) + "\n");
  } else if (context.args.flag("quiet")) {
    for (const auto& kernel : list_of(answer, "kernels")) io.print(safe_text(text_of(kernel, "name")) + "\n");
  } else {
    io.print(table_text(TRY(api::read<api::KernelList>(answer)), io.colour(io.out)));
  }
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
