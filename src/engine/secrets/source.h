// The value of a secret from the place that the config names: a file, or the output of a command.
#pragma once

#include <string>

#include "config/config.h"
#include "engine/secrets/secret_text.h"
#include "host/runtime.h"

namespace banger::engine {

/// Whether the daemon itself gets the value. Otherwise a client has it.
bool has_place(const config::SecretSource& source);

/// `denied` for a file that others could read or write, `timeout` for a command that takes too long. One line break at
/// the end is no part of the value. No error has anything of the value. REQUIRES: has_place(source).
Task<Result<SecretText>> read_secret(host::Runtime& runtime, std::string home, std::string name,
                                     config::SecretSource source);

}  // namespace banger::engine
