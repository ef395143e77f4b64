// What becomes of a VM whose guest has ended by itself. A guest that reboots always runs again.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/words.h"

namespace banger::vm {

enum class Restart {
  no,
  on_failure,  ///< the VM starts again after a panic, and when its VMM ended
  always,      ///< also when the guest has shut itself down
};
inline constexpr Word<Restart> kRestartWords[] = {
    {Restart::no, "no"}, {Restart::on_failure, "on-failure"}, {Restart::always, "always"}};
constexpr std::string_view to_string(Restart restart) { return word_of(kRestartWords, restart); }
Result<Restart> restart_from_string(std::string_view text);

}  // namespace banger::vm
