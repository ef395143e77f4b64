#include "roles/cli/pending_changes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "vm/fields.h"

namespace banger::roles::cli {

namespace {

// The daemon names fields as JSON does. A person knows the options.
std::string option_of(const std::string& name) {
  if (name == "name") return "the guest's host name";
  auto field = std::ranges::find(vm::kFields, name, &vm::Field::name);
  return field == std::end(vm::kFields) || !field->has_option() ? name : fmt::format("--{}", field->option);
}

}  // namespace

std::string pending_changes(const api::VmObject& vm) {
  std::vector<std::string> waiting;
  for (const auto& name : vm.restart_needed.value_or(std::vector<std::string>())) waiting.push_back(option_of(name));
  if (waiting.empty()) return "";
  return fmt::format("; {} will change at the next start ('banger vm restart {}')", join(waiting, ", "), vm.name);
}

}  // namespace banger::roles::cli
