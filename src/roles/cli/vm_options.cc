#include "roles/cli/vm_options.h"

#include <nlohmann/json.hpp>

#include "host/files.h"
#include "roles/cli/fields.h"
#include "vm/spec.h"

namespace banger::roles::cli {

Json given_shape(const Args& args) {
  Json shape = Json::object();
  for (auto name : {"name", "image", "kernel", "network", "storage"})
    if (auto value = args.text(name)) shape[name] = *value;
  struct Number {
    const char *option, *field;
  };
  for (auto [option, field] : {Number{"vcpu", "vcpus"},
                               {"memory", "memory_bytes"},
                               {"disk-size", "disk_bytes"},
                               {"system-size", "system_bytes"}})
    if (auto value = args.number(option)) shape[field] = *value;
  if (auto nat = args.toggle("nat")) shape["nat"] = *nat;
  if (args.has("label")) shape["labels"] = args.pairs("label");
  return shape;
}

void say_spec(const Io& io, const Json& shape) {
  vm::Spec spec;
  spec.vcpus = static_cast<std::uint32_t>(number_of(shape, "vcpus"));
  spec.memory_bytes = static_cast<std::uint64_t>(number_of(shape, "memory_bytes"));
  spec.disk_bytes = static_cast<std::uint64_t>(number_of(shape, "disk_bytes"));
  (void)host::write_all(io.err, vm::spec_line(spec) + "\n");
}

Result<Json> resolved_shape(Context& context, Daemon& daemon) {
  Json shape = given_shape(context.args);
  auto defaults = TRY(daemon.call("host.defaults", Json::object()));
  for (auto field : {"vcpus", "memory_bytes", "disk_bytes", "system_bytes"})
    if (!shape.contains(field)) shape[field] = TRY(in("host.defaults", get_int(defaults, field)));
  say_spec(context.io, shape);
  if (context.args.flag("cold")) shape["cold"] = true;
  return shape;
}

}  // namespace banger::roles::cli
