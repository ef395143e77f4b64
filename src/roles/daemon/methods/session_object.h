// What a guest answers about its sessions, as objects of the API. The guest is hostile.
#pragma once

#include "api/objects/session.h"

namespace banger::roles::daemon {

/// Takes the known fields of the guest's answer. All texts become printable and are cut. `corrupt` for a field that is
/// missing or impossible.
Result<api::SessionObject> session_object(const Json& json, const std::string& vm);
/// At most limits::kSessionRows of them.
Result<api::SessionList> session_list(const Json& json, const std::string& vm);

}  // namespace banger::roles::daemon
