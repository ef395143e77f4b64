#include "roles/cli/output.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace banger::roles::cli {

Form form_of(const Args& args) {
  if (args.flag("json")) return Form::json;
  return args.flag("quiet") ? Form::ids : Form::people;
}

Colours colours_of(const Context& context) { return context.io.colours(context.io.out); }

void print_json(Io& io, const Json& json) { io.print(dump_json_pretty(json) + "\n"); }

void print_json_list(Io& io, const api::Object& object, std::span<const void* const> values) {
  Json list = Json::array();
  for (const void* value : values) list.push_back(api::to_json(object, value));
  print_json(io, list);
}

std::string ready_line(const std::string& name, std::uint64_t size_bytes) {
  return fmt::format("{}: ready, {}", name, format_size(size_bytes));
}

}  // namespace banger::roles::cli
