// banger kernel list
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/fields.h"
#include "roles/cli/table.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"ls"};
constexpr Option kOptions[] = {
    {.name = "quiet", .letter = 'q', .help = "print only names, which are a kernel's ids"},
    {.name = "json", .help = "print a JSON array of kernels"},
};

std::string people_text(const Json& answer, bool colour) {
  Table table({"NAME", "RELEASE", "SOURCE", "SIZE", "USED BY", "AGE"});
  std::vector<std::string> have;
  for (const auto& kernel : list_of(answer, "kernels")) {
    have.push_back(text_of(kernel, "name"));
    table.add({text_of(kernel, "name"), text_of(kernel, "release"), text_of(kernel, "source"),
               size_of(kernel, "size_bytes"), joined(list_of(kernel, "used_by")),
               age_of(number_of(kernel, "created_at"))});
  }
  std::string text = table.text(colour);
  for (const auto& name : list_of(answer, "pullable"))
    if (name.is_string() && std::ranges::find(have, name.get<std::string>()) == have.end())
      text += fmt::format("not pulled yet: {}\n", safe_text(name.get<std::string>()));
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
    io.print(people_text(answer, io.colour(io.out)));
  }
  return exit_status::kOk;
}

}  // namespace

extern const Command kKernelList;
constinit const Command kKernelList{
    .group = "kernel",
    .name = "list",
    .aliases = kAliases,
    .summary = "list kernels, and those that can be pulled",
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
