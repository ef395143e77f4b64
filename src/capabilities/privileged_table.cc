#include "capabilities/privileged_table.h"

#include <nlohmann/json.hpp>

#include "capabilities/capability.h"

namespace banger::capabilities {

namespace {

Result<> nothing_to_check(const PrivilegedContext&, const Json&) { return {}; }

Result<PrivilegedReply> tell_version(const PrivilegedContext& context, const Json&) {
  return PrivilegedReply{dump_json({{"version", BANGER_VERSION},
                                    {"bridge_name", context.bridge_name},
                                    {"jailer", context.jailer},
                                    {"firecracker", context.firecracker}}),
                         {}};
}

constexpr PrivilegedOperation kOwn[] = {
    {"helper.version",
     "Gives the helper's version, the name of its bridge, and the programs of its jails",
     {},
     nothing_to_check,
     tell_version,
     {},
     0},
};

}  // namespace

PrivilegedTable privileged_table() {
  PrivilegedTable table;
  for (const auto& operation : kOwn) table.push_back(&operation);
  for (const Capability* capability : all())
    for (const auto& operation : capability->privileged_ops) table.push_back(&operation);
  return table;
}

PrivilegedTable privileged_table(const PrivilegedContext& context) {
  auto table = privileged_table();
  if (context.jailer.empty())
    std::erase_if(table, [](const PrivilegedOperation* operation) { return operation->jails; });
  return table;
}

}  // namespace banger::capabilities
