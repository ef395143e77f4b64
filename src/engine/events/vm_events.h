// The events that follow from a change of a VM's record. Pure. Machines without a user have no events.
#pragma once

#include <vector>

#include "engine/events/event_log.h"
#include "store/store.h"

namespace banger::engine {

std::vector<VmEvent> events_of_change(const store::VmRow& before, const store::VmRow& after);
/// An event of this VM.
VmEvent event_of(const store::VmRow& row, vm::Event what, std::string detail = "");

}  // namespace banger::engine
