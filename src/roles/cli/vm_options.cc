#include "roles/cli/vm_options.h"

#include <nlohmann/json.hpp>

#include "api/objects/host.h"
#include "host/files.h"
#include "roles/cli/quiet.h"
#include "vm/bounds.h"
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
  } else if (field.is_list()) {
    if (args.has(field.option)) shape[name] = args.all(field.option);
  } else if (auto text = args.text(field.option)) {
    shape[name] = *text;
  }
}

/// What the host does not accept is refused before a line says that it is made. The daemon checks again.
Result<> check_shape(const Json& shape, const vm::HostSize& host) {
  TRY(encode_json(shape));
  if (shape.contains("name")) TRY(vm::check_name(TRY(get_string(shape, "name"))));
  Json fields = shape;
  fields.erase("network");  // a choice, which becomes a network on the daemon's host
  return vm::check_spec(TRY(vm::wanted_spec({}, fields)), host);
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
  Json sizes = Json::object();
  for (const auto& field : vm::kFields)
    if (field.is_number()) sizes[std::string(field.name)] = shape.value(std::string(field.name), Json());
  auto spec = vm::spec_over({}, sizes).value_or(vm::Spec{});
  (void)host::write_all(io.err, vm::spec_line(spec) + "\n");
}

Result<Json> resolved_shape(Context& context, Daemon& daemon) {
  Json shape = given_shape(context.args);
  auto known = TRY(daemon.get<api::DefaultsObject>("host.defaults"));
  Json defaults = api::to_json(known);
  for (const auto& field : vm::kFields) {
    std::string name(field.name);
    if (field.is_number() && field.in_host_defaults() && !shape.contains(name))
      shape[name] = defaults.value(name, Json());
  }
  TRY(check_shape(shape, {.cpus = known.host_cpus.value_or(limits::kMaxVcpus),
                          .memory_bytes = known.host_memory_bytes.value_or(UINT64_MAX)}));
  print_spec(io_for_progress(context), shape);
  if (context.args.flag("cold")) shape["cold"] = true;
  return shape;
}

}  // namespace banger::roles::cli
