// Parameters that many methods have.
#pragma once

#include "api/method.h"
#include "vm/fields.h"

namespace banger::api {

inline constexpr Parameter kVmParameter{.name = "vm", .required = true, .help = "A name, an id or a unique id prefix"};

inline constexpr std::string_view kWaits[] = {"agent", "system"};
inline constexpr Parameter kWaitParameter{
    .name = "wait",
    .help =
        "`agent` waits until the agent answers, `system` until the guest has booted. The default is `system` for a "
        "guest that boots, and `agent` for a guest from a saved state, which has booted before",
    .choices = kWaits,
};

inline constexpr Parameter kColdParameter{
    .name = "cold",
    .type = Type::boolean,
    .initial = "false",
    .help = "Boots the VM from its disks",
};

/// The parameter of a field of a VM's spec.
constexpr Parameter create_parameter(const vm::Field& field) {
  return {.name = field.name,
          .type = field.is_number()                    ? Type::integer
                  : field.type == vm::FieldType::flag  ? Type::boolean
                  : field.type == vm::FieldType::pairs ? Type::text_map
                  : field.is_list()                    ? Type::texts
                                                       : Type::text,
          .initial = field.initial,
          .help = field.doc.create,
          .choices = field.choices};
}

/// The parameter that changes the field. A field without a parameter keeps its value.
constexpr Parameter set_parameter(const vm::Field& field) {
  auto parameter = create_parameter(field);
  parameter.initial = {};
  parameter.help = field.doc.for_set();
  return parameter;
}

}  // namespace banger::api
