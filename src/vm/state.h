// The life of a VM, written once:
//
//              create                start               agent ready
//   (nothing) ───────► creating ──┬────────► starting ───────────────► running
//                         │       │             │ ▲                    │    │
//                  failed │       ▼             │ │ start              │    │ the guest powers off,
//                         │    stopped ◄────────┘ │                    │    │ the VMM dies
//                         ▼       │  ▲  failed    │          stop, kill│    │
//                     (undone)    │  └────────────┼── stopping ◄───────┘    │
//                                 │  ◄────────────┴─────────────────────────┘
//                                 │                    running ◄──► suspending ──► suspended ──► starting
//                                 │ delete                          (delete, or a boot from its disks: stopped)
//                                 ▼
//                              deleting ──► (nothing)
//
//              stopped, suspended ──► restoring ──► stopped          (restore; deleting, if it cannot be finished)
//
// A crash can leave a VM in one of the -ing states. recovery() says how each is finished or undone.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

namespace banger::vm {

enum class State { creating, stopped, starting, running, stopping, suspending, suspended, restoring, deleting };

std::string_view to_string(State state);
Result<State> state_from_string(std::string_view name);

/// True if the diagram above has the arrow.
bool can_move(State from, State to);

/// What the daemon does on its start with a VM it finds in `state`.
enum class Recovery {
  undo_create,    ///< no client has the id yet: remove everything
  keep,           ///< stopped, suspended: nothing to do
  adopt_or_stop,  ///< a live machine is adopted, a dead one recorded as stopped
  finish_stop,
  finish_suspend,  ///< suspended if the state was saved completely, otherwise the VM keeps running
  finish_restore,  ///< moves the rest of the snapshot's disks into place
  finish_delete,
};
Recovery recovery(State state);

}  // namespace banger::vm
