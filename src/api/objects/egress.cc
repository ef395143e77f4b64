#include "api/objects/egress.h"

#include "api/wire.h"

namespace banger::api {

namespace {

constexpr std::string_view kVerdicts[] = {"allowed", "refused"};

constexpr Field kRowFields[] = {
    field<&EgressRow::name>("name", "The host's name, with unprintable bytes as `\\xNN`. Empty when none is known"),
    field<&EgressRow::address>("address", "The IPv4 address. Only of connections, not of lookups").or_absent(),
    field<&EgressRow::port>("port", "The TCP port. Only of connections, not of lookups").or_absent(),
    field<&EgressRow::verdict>("verdict", "What became of it").one_of(kVerdicts),
    field<&EgressRow::reason>("reason", "A word for the reason. The same words stay from version to version"),
    field<&EgressRow::sentence>("sentence", "The reason of a refusal, for people").or_absent(),
    field<&EgressRow::sent>("sent", "Bytes that the guest sent"),
    field<&EgressRow::received>("received", "Bytes that the guest received"),
    field<&EgressRow::count>("count", "How often it happened"),
    field<&EgressRow::first_at>("first_at", "When it happened first"),
    field<&EgressRow::last_at>("last_at", "When the row changed last"),
    field<&EgressRow::sequence>("sequence", "The number of the row's last change"),
};

constexpr Field kLogFields[] = {
    field<&EgressLog::policy>("policy", "The policy and its rules, for people. A long text is cut"),
    field<&EgressLog::rows>("rows", "The rows that changed after `since`, the oldest change first"),
    field<&EgressLog::sequence>("sequence", "The value of `since` for the next call"),
    field<&EgressLog::more>("more", "Whether more rows have changed than fit into one answer"),
    field<&EgressLog::forgotten>("forgotten", "How many rows are lost, because the log keeps 1000 of each verdict"),
};

}  // namespace

constinit const Object EgressRow::kObject{.name = "egress row", .fields = kRowFields};
constinit const Object EgressLog::kObject{.name = "egress log", .fields = kLogFields};

}  // namespace banger::api
