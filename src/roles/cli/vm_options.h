// The options of `vm run`, `vm create` and `vm set` that describe a VM.
#pragma once

#include "base/json.h"
#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "vm/fields.h"

namespace banger::roles::cli {

inline constexpr Option kNameOption{
    .name = "name", .kind = Kind::text, .value = "NAME", .help = "the VM's name (default: banger makes one up)"};
/// The option for a field of a new VM.
constexpr Option create_option(const vm::Field& field) {
  Option option{.name = field.option, .help = field.option_help.create, .choices = field.choices};
  auto takes = [&](Kind kind, std::string_view value, Names names = Names::none) {
    option.kind = kind;
    option.value = value;
    option.names = names;
  };
  switch (field.type) {
    case vm::FieldType::image:
      takes(Kind::text, "IMAGE", Names::image);
      break;
    case vm::FieldType::kernel:
      takes(Kind::text, "KERNEL", Names::kernel);
      break;
    case vm::FieldType::count:
    case vm::FieldType::limit:
      takes(Kind::count, "N");
      break;
    case vm::FieldType::size:
    case vm::FieldType::memory:
    case vm::FieldType::rate:
      takes(Kind::size, "SIZE");
      break;
    case vm::FieldType::flag:
      takes(Kind::toggle, "");
      break;
    case vm::FieldType::choice:
      takes(Kind::text, "WHICH", Names::choice);
      break;
    case vm::FieldType::pairs:
      takes(Kind::pair, "KEY=VALUE");
      break;
    case vm::FieldType::ports:
      takes(Kind::text, "[ADDRESS:]HOSTPORT:PORT");
      option.letter = 'p';
      break;
    case vm::FieldType::policy:
      takes(Kind::text, "POLICY");
      break;
    case vm::FieldType::rules:
      takes(Kind::text, "HOST[:PORT]");
      break;
    case vm::FieldType::secrets:
      takes(Kind::text, "NAME[@HOST,...]", Names::secret);
      break;
  }
  if (field.in_host_defaults()) option.default_key = field.name;
  return option;
}

/// The option that changes the field.
constexpr Option set_option(const vm::Field& field) {
  auto option = create_option(field);
  option.help = field.option_help.for_set();
  option.default_key = {};
  return option;
}

inline constexpr Option kColdOption{.name = "cold", .help = "boot instead of cloning a template"};

/// The parameters of vm.create or vm.set for the options on the command line. Other fields are left out.
Json given_shape(const Args& args);

/// Prints the line `spec: …` of a VM object or of parameters, on standard error.
void print_spec(const Io& io, const Json& shape);

/// The parameters of vm.create. Sizes that were not given come from host.defaults. Refuses values that
/// no host accepts, and prints the others with print_spec.
Result<Json> resolved_shape(Context& context, Daemon& daemon);

}  // namespace banger::roles::cli
