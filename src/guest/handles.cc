#include "guest/handles.h"

#include <fcntl.h>

#include "host/files.h"
#include "net/link_mac.h"

namespace banger::guest {

Result<Handles> Handles::open() {
  auto random = TRY(host::open_file("/dev/urandom", O_RDONLY));
  auto control = TRY(net::link_control());
  return Handles{.random = std::move(random), .control = std::move(control)};
}

}  // namespace banger::guest
