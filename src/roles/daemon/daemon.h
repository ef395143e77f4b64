// The owner daemon: serves the owner's VMs over a private socket until told to stop. VMs outlive it.
#pragma once

namespace banger::roles::daemon {

/// `bangerd [--ready-fd N]`: writes "ok\n", or a sentence saying why not, to descriptor N once it serves.
int run(int argc, char** argv);

}  // namespace banger::roles::daemon
