// The model of this host's processor, for keys that depend on it.
#pragma once

#include <string>

namespace banger::machine {

/// The line "model name" of /proc/cpuinfo; empty where there is none. Source: proc(5).
std::string cpu_model();

}  // namespace banger::machine
