// What must be true of descriptors 0 to 2 before anything else is opened.
#pragma once

namespace banger::host {

/// Takes the place of those of descriptors 0 to 2 that are closed, so that nothing we open later gets such a number:
/// user's bytes would then go into a socket or a signalfd. Reading closed input finds its end; using closed output
/// fails with EBADF, as it did before. Needs no file but "/": process 1 has no /dev yet.
void reserve_standard_streams();

}  // namespace banger::host
