// /dev/kvm, as this user finds it.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace banger::engine {

struct KvmDevice {
  enum class State { absent, closed, open } state = State::absent;
  std::string reason;  ///< why it cannot be opened; empty when it can
  std::string hint;    ///< the way out
};

/// `path` is /dev/kvm, except in tests.
KvmDevice find_kvm(const std::string& path = "/dev/kvm");

/// The reason and the way out for a user who may not open a device with this mode and group. Pure.
KvmDevice closed_kvm(mode_t mode, std::string_view group);

}  // namespace banger::engine
