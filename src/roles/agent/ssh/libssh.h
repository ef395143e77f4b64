// Owners of libssh's objects.
#pragma once

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include <memory>

namespace banger::roles::agent::ssh {

struct Free {
  void operator()(ssh_session session) const { ssh_free(session); }
  void operator()(ssh_bind bind) const { ssh_bind_free(bind); }
  void operator()(ssh_event event) const { ssh_event_free(event); }
  void operator()(ssh_key key) const { ssh_key_free(key); }
};
template <class Pointer>
using Owned = std::unique_ptr<std::remove_pointer_t<Pointer>, Free>;

}  // namespace banger::roles::agent::ssh
