// Which hosts the secrets of a VM may go to: names that the VM's egress policy names too. Pure.
#pragma once

#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "vm/spec.h"

namespace banger::capabilities {

/// The same secrets, with the hosts of the config where one names no host, and each host in its shortest form.
/// `invalid` with a way out for a host that is no name, and for a secret without hosts.
Result<std::vector<vm::Secret>> complete_secrets(const config::Config& config, std::vector<vm::Secret> secrets);

/// Whether the gate can put all secrets of the VM into requests. The VM's policy must name each of their hosts, and
/// send all connections to the gate. `invalid` or `unsupported` with a way out.
Result<> check_secret_hosts(const config::Config& config, const vm::Spec& spec);
/// The same for the network, which is known later than the rest.
Result<> check_secret_network(const vm::Spec& spec);

/// Whether the hosts of each secret of the config are names.
Result<> check_config_secrets(const config::Config& config);

}  // namespace banger::capabilities
