#include "engine/vmm_choice.h"

namespace banger::engine {

NetworkNeeds network_needs(const vm::Spec& spec) {
  return {.user_mode = spec.network == vm::Network::user, .outside = vm::reaches_outside(spec)};
}

}  // namespace banger::engine
