#include "roles/cli/vm_options.h"

#include <nlohmann/json.hpp>

#include "host/files.h"
#include "roles/cli/fields.h"
#include "vm/spec.h"

namespace banger::roles::cli {

namespace {

void add_given(const Args& args, const vm::Field& field, Json& shape) {
  std::string name(field.name);
  if (field.is_number()) {
    if (auto number = args.number(field.option)) shape[name] = *number;
  } else if (field.type == vm::FieldType::flag) {
    if (auto flag = args.toggle(field.option)) shape[name] = *flag;
  } else if (field.type == vm::FieldType::pairs) {
    if (args.has(field.option)) shape[name] = args.pairs(field.option);
  } else if (auto text = args.text(field.option)) {
    shape[name] = *text;
  }
}

}  // namespace

Json given_shape(const Args& args) {
  Json shape = Json::object();
  if (auto name = args.text("name")) shape["name"] = *name;
  for (const auto& field : vm::kFields)
    if (field.has_option()) add_given(args, field, shape);
  return shape;
}

void print_spec(const Io& io, const Json& shape) {
  vm::Spec spec;
  spec.vcpus = static_cast<std::uint32_t>(number_of(shape, "vcpus"));
  spec.memory_bytes = static_cast<std::uint64_t>(number_of(shape, "memory_bytes"));
  spec.disk_bytes = static_cast<std::uint64_t>(number_of(shape, "disk_bytes"));
  (void)host::write_all(io.err, vm::spec_line(spec) + "\n");
}

Result<Json> resolved_shape(Context& context, Daemon& daemon) {
  Json shape = given_shape(context.args);
  auto defaults = TRY(daemon.call("host.defaults", Json::object()));
  for (const auto& field : vm::kFields)
    if (field.is_number() && !shape.contains(field.name))
      shape[std::string(field.name)] = TRY(in("host.defaults", get_int(defaults, field.name)));
  print_spec(context.io, shape);
  if (context.args.flag("cold")) shape["cold"] = true;
  return shape;
}

}  // namespace banger::roles::cli
