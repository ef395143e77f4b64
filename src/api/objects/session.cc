#include "api/objects/session.h"

#include "api/wire.h"

namespace banger::api {

namespace {

constexpr std::string_view kInputs[] = {"pipe", "pty", "none"};
constexpr std::string_view kStates[] = {"starting", "running", "exited", "failed", "lost"};

constexpr Field kSessionFields[] = {
    field<&SessionObject::id>("id", "The id, unique in the VM"),
    field<&SessionObject::name>("name", "The name, unique among the live sessions of the VM"),
    field<&SessionObject::vm>("vm", "The name of the VM"),
    field<&SessionObject::command>("command", "The command as a shell reads it, shortened"),
    field<&SessionObject::cwd>("cwd", "The directory that was asked for, shortened. Empty: the default"),
    field<&SessionObject::user>("user", "The user that was asked for. Empty: the default"),
    field<&SessionObject::stdin_mode>("stdin_mode", "What the standard input is").one_of(kInputs),
    field<&SessionObject::state>("state",
                                 "`failed`: the command never ran. `lost`: the guest ended before the session did")
        .one_of(kStates),
    field<&SessionObject::pid>("pid", "The process in the guest, or 0"),
    field<&SessionObject::exit_code>("exit_code", "The exit code of a command that has exited"),
    field<&SessionObject::exit_signal>("exit_signal", "The signal that ended the command"),
    field<&SessionObject::reason>("reason", "Why the session has failed, was lost, or was ended"),
    field<&SessionObject::started_at>("started_at", "When the session was started"),
    field<&SessionObject::ended_at>("ended_at", "When the session has ended, or 0"),
    field<&SessionObject::attached>("attached", "Whether a client is attached that may write"),
};

constexpr Field kListFields[] = {field<&SessionList::sessions>("sessions", "The sessions, the oldest first")};

}  // namespace

constinit const Object SessionObject::kObject{.name = "session object", .fields = kSessionFields};
constinit const Object SessionList::kObject{.name = "session list", .fields = kListFields};

}  // namespace banger::api
