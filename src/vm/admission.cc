#include "vm/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace banger::vm {

namespace {

using enum State;
using enum Operation;

class States {
 public:
  template <class... S>
  constexpr States(S... states) : bits_((0u | ... | bit(states))) {}
  constexpr bool has(State state) const { return bits_ & bit(state); }

 private:
  static constexpr unsigned bit(State state) { return 1u << static_cast<unsigned>(state); }
  unsigned bits_;
};

/// The operation is refused in every state that is neither `allowed` nor `needless`.
struct Rule {
  Operation operation;
  States allowed;
  States needless = {};
  bool needless_when_deleted = false;
  ErrorCode code = ErrorCode::busy;
  std::string_view sentence = "vm '{name}' is {state}";
  std::string_view hint = "";
  States hinted = {};  ///< states for which the hint is true
};

constexpr States kHasMachine = {starting, running, stopping, suspending};
constexpr States kNoMachine = {creating, stopped, suspended, restoring, deleting};
constexpr States kAll = {creating, stopped, starting, running, stopping, suspending, suspended, restoring, deleting};

// A VM can be `starting` or `stopping` although no operation runs: an error cut that operation short. The user can try
// it again.
constexpr std::array kRules = {
    Rule{.operation = start,
         .allowed = {stopped, suspended, starting},
         .needless = {running},
         .sentence = "vm '{name}' is {state} and cannot be started now"},
    Rule{.operation = stop,
         .allowed = kHasMachine,
         .needless = {stopped},
         .needless_when_deleted = true,
         .hint = "resume it first, or kill it",
         .hinted = {suspended}},
    Rule{.operation = kill,
         .allowed = {starting, running, stopping, suspending, suspended},
         .needless = {stopped},
         .needless_when_deleted = true},
    Rule{.operation = suspend,
         .allowed = {running},
         .needless = {suspended},
         .sentence = "vm '{name}' is {state} and cannot be suspended"},
    Rule{.operation = save,
         .allowed = {running, stopped, suspended},
         .hint = "try again when it runs or is stopped",
         .hinted = {starting, stopping, suspending, restoring}},
    Rule{.operation = restore,
         .allowed = {stopped},
         .hint = "use --force; what is in its memory is then lost",
         .hinted = {starting, running, stopping, suspending, suspended}},
    Rule{.operation = restore_forced, .allowed = {stopped, suspended}},
    Rule{.operation = discard_memory,
         .allowed = {suspended},
         .needless = {creating, stopped, starting, running, stopping, suspending, restoring, deleting},
         .needless_when_deleted = true},
    Rule{.operation = change, .allowed = kAll},
    Rule{.operation = Operation::remove,
         .allowed = kNoMachine,
         .needless_when_deleted = true,
         .hint = "stop it first, or use --force",
         .hinted = kHasMachine},
    Rule{.operation = remove_forced, .allowed = kAll, .needless_when_deleted = true},
    Rule{.operation = reach_agent,
         .allowed = kHasMachine,
         .code = ErrorCode::unavailable,
         .hint = "banger vm start {name}",
         .hinted = kNoMachine},
    Rule{.operation = claim,
         .allowed = {running},
         .code = ErrorCode::unavailable,
         .sentence = "the pooled machine has ended"},
    Rule{.operation = become_template,
         .allowed = {running},
         .code = ErrorCode::unavailable,
         .sentence = "the guest ended before it could be saved"},
};

std::string fill_in(std::string_view text, std::string_view name, std::string_view state) {
  return fmt::format(fmt::runtime(text), fmt::arg("name", name), fmt::arg("state", state));
}

}  // namespace

Result<Admission> admit(Operation operation, std::optional<State> state, std::string_view name) {
  const auto& rule = *std::ranges::find(kRules, operation, &Rule::operation);
  if (!state) {
    if (rule.needless_when_deleted) return Admission::nothing_to_do;
    return fail(ErrorCode::not_found, fmt::format("vm '{}' was deleted", name));
  }
  if (rule.allowed.has(*state)) return Admission::allowed;
  if (rule.needless.has(*state)) return Admission::nothing_to_do;
  return fail(rule.code, fill_in(rule.sentence, name, to_string(*state)),
              rule.hinted.has(*state) ? fill_in(rule.hint, name, to_string(*state)) : "");
}

}  // namespace banger::vm
