// Makes sure that descriptors 0 to 2 are open before anything else is opened.
#pragma once

namespace banger::host {

/// Opens the descriptors 0 to 2 that are closed, so that no file opened later gets one of these numbers. Otherwise a
/// user's bytes could go into a socket or a signalfd. Reading closed input finds its end. Using closed output fails
/// with EBADF, as before. Needs no file but "/", because process 1 has no /dev yet.
void reserve_standard_streams();

}  // namespace banger::host
