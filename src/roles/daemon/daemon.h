// The owner's daemon. It serves the owner's VMs over a private socket until it is stopped. The VMs go on without it.
#pragma once

namespace banger::roles::daemon {

/// `bangerd [--ready-fd N | --log-file]`. Once the daemon serves, it writes "ok\n" to descriptor N. If it cannot serve,
/// it writes a sentence that says why.
int run(int argc, char** argv);

}  // namespace banger::roles::daemon
