// The VM state machine: the table, the diagram in the header, and the recovery of each state.
#include "vm/state.h"

#include <array>

#include "catch.h"

using namespace banger;
using vm::State;

namespace {
constexpr std::array kAll = {State::creating,   State::stopped,   State::starting,  State::running, State::stopping,
                             State::suspending, State::suspended, State::restoring, State::deleting};
}

TEST_CASE("state: names survive a round trip, others are corrupt") {
  for (State state : kAll) CHECK(vm::state_from_string(vm::to_string(state)) == state);
  CHECK(vm::state_from_string("flying").error().code == ErrorCode::corrupt);
}

TEST_CASE("state: exactly the arrows of the diagram exist") {
  // A row is the state before, a column the state after, both in the order of kAll.
  constexpr bool y = true, n = false;
  constexpr bool kAllowed[9][9] = {
      /* creating   */ {n, y, y, n, n, n, n, n, y},
      /* stopped    */ {n, n, y, n, n, n, n, y, y},
      /* starting   */ {n, y, n, y, y, n, y, n, n},
      /* running    */ {n, y, n, n, y, y, n, n, n},
      /* stopping   */ {n, y, n, n, n, n, n, n, n},
      /* suspending */ {n, y, n, y, y, n, y, n, n},
      /* suspended  */ {n, y, y, n, n, n, n, y, y},
      /* restoring  */ {n, y, n, n, n, n, n, n, y},
      /* deleting   */ {n, n, n, n, n, n, n, n, n},
  };
  for (std::size_t from = 0; from < kAll.size(); ++from)
    for (std::size_t to = 0; to < kAll.size(); ++to) {
      INFO(vm::to_string(kAll[from]) << " -> " << vm::to_string(kAll[to]));
      CHECK(vm::can_move(kAll[from], kAll[to]) == kAllowed[from][to]);
    }
}

TEST_CASE("state: a crash in any state has a recovery, and only a stopped or suspended VM needs none") {
  CHECK(vm::recovery(State::creating) == vm::Recovery::undo_create);
  CHECK(vm::recovery(State::stopped) == vm::Recovery::keep);
  CHECK(vm::recovery(State::starting) == vm::Recovery::adopt_or_stop);
  CHECK(vm::recovery(State::running) == vm::Recovery::adopt_or_stop);
  CHECK(vm::recovery(State::suspended) == vm::Recovery::keep);
  CHECK(vm::recovery(State::suspending) == vm::Recovery::finish_suspend);
  CHECK(vm::recovery(State::stopping) == vm::Recovery::finish_stop);
  CHECK(vm::recovery(State::restoring) == vm::Recovery::finish_restore);
  CHECK(vm::recovery(State::deleting) == vm::Recovery::finish_delete);
}
