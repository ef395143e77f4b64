// What a VM's network requires from the VMM.
#include "engine/vmm_choice.h"

#include "catch.h"

using namespace banger;
using namespace banger::engine;

TEST_CASE("vmm choice: only the bridge needs a device of the host") {
  vm::Spec spec;
  CHECK(network_needs(spec).user_mode);
  spec.network = vm::Network::bridge;
  CHECK_FALSE(network_needs(spec).user_mode);
}

TEST_CASE("vmm choice: without nat a VM does not reach the outside") {
  vm::Spec spec;
  CHECK(network_needs(spec).outside);
  spec.nat = false;
  CHECK_FALSE(network_needs(spec).outside);
}

TEST_CASE("vmm choice: the user network of a VM with the policy none does not reach the outside") {
  vm::Spec spec{.egress = "none"};
  CHECK_FALSE(network_needs(spec).outside);
  spec.network = vm::Network::bridge;
  CHECK(network_needs(spec).outside);
}
