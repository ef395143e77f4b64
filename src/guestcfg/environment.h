// The environment of a guest. Host and guest check it with the same rules, so a guest boots with every environment that
// a host accepted. Pure.
//
// A variable reaches programs in three ways, and each way can carry less than the one before:
//
//   commands         the agent passes it to execve(2): any name, any value
//   login shells     /etc/profile.d/banger.sh: any value, but only names that a shell accepts
//   services, cron   /etc/environment, for systemd's EnvironmentFile= and pam_env(8): see environment_line()
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::guestcfg {

/// `invalid` for a name without characters or with a '=', a NUL byte, text that is not UTF-8, and anything over
/// limits::kExecStringBytes, kEnvironmentBytes or kGuestConfigItems. The error names the variable.
Result<> check_environment(const std::map<std::string, std::string>& environment);

/// Whether a shell accepts `export NAME=…`: letters, digits and '_', and no digit first (POSIX).
bool is_shell_name(std::string_view name);

/// The variable as a line of /etc/environment, without a line break. Both readers of the file get exactly this value.
/// nullopt when no line has that effect: pam_env ends every value at a '#', and systemd refuses most control
/// characters. The two also differ in how they read a backslash outside single quotes.
std::optional<std::string> environment_line(std::string_view name, std::string_view value);

/// Which programs do not get the variable, and why, for people: "login shells and services: …". Empty when all get it.
std::string unreached(std::string_view name, std::string_view value);

}  // namespace banger::guestcfg
