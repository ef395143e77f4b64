// A gate that enforces nothing. It remembers policies, and its log is a text that the test sets.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "capabilities/egress_gate.h"

namespace banger::test {

class NoGate final : public capabilities::EgressGate {
 public:
  Task<Result<net::GatePorts>> open(Place) override {
    co_return net::GatePorts{.tcp = 1, .names_udp = 2, .names_tcp = 3};
  }
  Task<Result<>> set(std::string vm_id, net::Ipv4, egress::Policy policy) override {
    policies.insert_or_assign(std::move(vm_id), std::move(policy));
    co_return Result<>();
  }
  Task<Result<>> set_host(std::vector<net::Ipv4> addresses) override {
    host = std::move(addresses);
    co_return Result<>();
  }
  Task<> clear(std::string vm_id) override {
    policies.erase(vm_id);
    co_return;
  }
  Task<> forget(std::string vm_id) override {
    policies.erase(vm_id);
    co_return;
  }
  Task<Result<std::string>> log(std::string vm_id, std::uint64_t since) override {
    asked_id = std::move(vm_id);
    asked_since = since;
    co_return answer;
  }
  Task<> close() override {
    policies.clear();
    co_return;
  }

  std::vector<net::Ipv4> host;                                                    ///< by the last set_host()
  std::map<std::string, egress::Policy> policies;                                 ///< by the id of the VM
  Result<std::string> answer = R"({"rows": [], "sequence": 0, "forgotten": 0})";  ///< of every log()
  std::string asked_id;                                                           ///< by the last log()
  std::uint64_t asked_since = 0;
};

}  // namespace banger::test
