#include "api/objects/event.h"

#include "api/wire.h"
#include "vm/event.h"

namespace banger::api {

namespace {

constexpr auto kEvents = texts_of(vm::kEventWords);

constexpr Field kFields[] = {
    field<&EventObject::sequence>("sequence",
                                  "The number of the event since the daemon's start. `current` and `missed` repeat the "
                                  "number of the event before them"),
    field<&EventObject::time_ms>("time_ms", "When the event happened, in milliseconds since 1970"),
    field<&EventObject::event>("event", "What happened").one_of(kEvents),
    field<&EventObject::id>("id", "The VM's id. Empty for `missed`"),
    field<&EventObject::name>("name", "The VM's name after the event. Empty for `missed`"),
    field<&EventObject::state>("state", "The VM's state after the event. Empty for `missed`"),
    field<&EventObject::detail>("detail", "More about the event, or empty"),
};

}  // namespace

constinit const Object EventObject::kObject{.name = "event object", .fields = kFields};

}  // namespace banger::api
