// The program of a VMM: finding it, and asking it what it is.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/runtime.h"

namespace banger::machine {

struct VmmBinary {
  std::string configured;         ///< the value of the config key; empty: look up `name`
  std::string path_variable;      ///< PATH to look the program up in
  std::string_view name;          ///< "qemu-system-x86_64"
  std::string_view config_key;    ///< "qemu_bin"
  std::string_view install_hint;  ///< how to get the program
};

/// Full path. `not_found` when there is no such program, `denied` when it is not executable, both with a hint.
Result<std::string> find_vmm_binary(const VmmBinary& wanted);

/// Runs the program with options. Returns its output, or nullopt when the program refuses them. The program never
/// outlives this process. `confine` may confine the process. Call it on the control thread.
Task<Result<std::optional<std::string>>> ask_binary(host::Runtime& runtime, std::vector<std::string> argv,
                                                    std::function<void(host::SpawnSpec&)> confine = {});

/// Text that changes when a file is replaced or written.
std::string file_key(const std::string& path);

}  // namespace banger::machine
