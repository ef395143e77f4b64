#include "vm/state.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"

namespace banger::vm {

namespace {

struct Row {
  State state;
  std::string_view name;
  Recovery recovery;
};

constexpr std::array kStates = {
    Row{State::creating, "creating", Recovery::undo_create},
    Row{State::stopped, "stopped", Recovery::keep},
    Row{State::starting, "starting", Recovery::adopt_or_stop},
    Row{State::running, "running", Recovery::adopt_or_stop},
    Row{State::stopping, "stopping", Recovery::finish_stop},
    Row{State::suspending, "suspending", Recovery::finish_suspend},
    Row{State::suspended, "suspended", Recovery::keep},
    Row{State::restoring, "restoring", Recovery::finish_restore},
    Row{State::deleting, "deleting", Recovery::finish_delete},
};

constexpr std::array kArrows = {
    std::pair{State::creating, State::stopped},    std::pair{State::creating, State::starting},
    std::pair{State::creating, State::deleting},   std::pair{State::stopped, State::starting},
    std::pair{State::starting, State::running},    std::pair{State::starting, State::stopped},
    std::pair{State::starting, State::stopping},   std::pair{State::running, State::stopping},
    std::pair{State::running, State::stopped},     std::pair{State::stopping, State::stopped},
    std::pair{State::stopped, State::deleting},    std::pair{State::running, State::suspending},
    std::pair{State::suspending, State::running},  std::pair{State::suspending, State::suspended},
    std::pair{State::suspending, State::stopping}, std::pair{State::suspending, State::stopped},
    std::pair{State::suspended, State::starting},  std::pair{State::starting, State::suspended},
    std::pair{State::suspended, State::stopped},   std::pair{State::suspended, State::deleting},
    std::pair{State::stopped, State::restoring},   std::pair{State::suspended, State::restoring},
    std::pair{State::restoring, State::stopped},   std::pair{State::restoring, State::deleting},
};

}  // namespace

std::string_view to_string(State state) {
  for (const auto& row : kStates)
    if (row.state == state) return row.name;
  return "unknown";
}

Result<State> state_from_string(std::string_view name) {
  for (const auto& row : kStates)
    if (row.name == name) return row.state;
  return fail(ErrorCode::corrupt, fmt::format("'{}' is not a VM state", printable(name)));
}

bool can_move(State from, State to) {
  for (const auto& [a, b] : kArrows)
    if (a == from && b == to) return true;
  return false;
}

Recovery recovery(State state) {
  for (const auto& row : kStates)
    if (row.state == state) return row.recovery;
  return Recovery::keep;
}

}  // namespace banger::vm
