#include "api/objects/ssh.h"

#include "api/wire.h"

namespace banger::api {

namespace {

constexpr Field kFields[] = {
    field<&SshObject::id>("id", "The id of the VM"),
    field<&SshObject::name>("name", "The name of the VM"),
    field<&SshObject::server>("server",
                              "Whether a server answers on the port: the guest's own, or on port 22 the agent's"),
    field<&SshObject::host_key>("host_key", "The public host key of the VM, as `TYPE BASE64`"),
    field<&SshObject::known_hosts>("known_hosts",
                                   "The path of banger's known_hosts, where the key is under `NAME.vm` and `ID.vm`"),
};

}  // namespace

constinit const Object SshObject::kObject{.name = "SSH object", .fields = kFields};

}  // namespace banger::api
