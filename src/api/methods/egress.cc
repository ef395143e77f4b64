// vm.egress
#include "api/objects/egress.h"

#include "api/method.h"
#include "api/methods/parameters.h"

namespace banger::api {

namespace {

constexpr Parameter kEgressParameters[] = {
    kVmParameter,
    {.name = "since",
     .type = Type::integer,
     .initial = "0",
     .help = "Only rows that changed after the row with this `sequence`",
     .least = 0},
};

constexpr Method kMethods[] = {
    {.name = "vm.egress",
     .summary = "Lists what a guest with an egress policy reached and tried to reach",
     .details = "Fails with `invalid` for a VM whose policy is `open` without hosts, because nothing is recorded then.",
     .parameters = kEgressParameters,
     .result = &EgressLog::kObject},
};

constexpr const Object* kObjects[] = {&EgressLog::kObject, &EgressRow::kObject};

constexpr std::string_view kText =
    R"(The log is in memory, and a guest writes it by what it does. Repeats of one thing are one row, which grows. To
follow a log, call again with the `sequence` of the last answer.)";

}  // namespace

extern const Group kEgressGroup;
constinit const Group kEgressGroup{.title = "Egress", .text = kText, .objects = kObjects, .methods = kMethods};

}  // namespace banger::api
