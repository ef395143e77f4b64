// A gate that enforces nothing. It remembers policies, and its log is a text that the test sets.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capabilities/egress_gate.h"

namespace banger::test {

class NoGate final : public capabilities::EgressGate {
 public:
  Task<Result<net::GatePorts>> open(Place where) override {
    place = std::move(where);
    if (trouble) co_return std::unexpected(*trouble);
    co_return net::GatePorts{.tcp = 2001, .names_udp = 2002, .names_tcp = 2003};
  }
  Task<Result<>> set(std::string vm_id, Guest guest) override {
    addresses[vm_id] = guest.address;
    secrets[vm_id] = std::move(guest.secrets);
    policies.insert_or_assign(std::move(vm_id), std::move(guest.policy));
    co_return Result<>();
  }
  Task<Result<>> renew(std::string vm_id) override {
    renewed.push_back(std::move(vm_id));
    co_return Result<>();
  }
  Task<Result<>> set_host(std::vector<net::Ipv4> all) override {
    host = std::move(all);
    co_return Result<>();
  }
  Task<> clear(std::string vm_id) override {
    policies.erase(vm_id);
    cleared.push_back(std::move(vm_id));
    co_return;
  }
  Task<> forget(std::string vm_id) override {
    policies.erase(vm_id);
    forgotten.push_back(std::move(vm_id));
    co_return;
  }
  Task<Result<std::string>> log(std::string vm_id, std::uint64_t since) override {
    asked_id = std::move(vm_id);
    asked_since = since;
    co_return answer;
  }
  Task<> close() override {
    policies.clear();
    ++closed;
    co_return;
  }

  std::vector<net::Ipv4> host;                     ///< by the last set_host()
  std::map<std::string, egress::Policy> policies;  ///< by the id of the VM
  std::map<std::string, net::Ipv4> addresses;      ///< of every set()
  std::map<std::string, std::vector<vm::Secret>> secrets;
  std::vector<std::string> cleared, forgotten, renewed;  ///< ids of VMs
  int closed = 0;
  std::optional<Place> place;                                                     ///< of the last open()
  std::optional<Error> trouble;                                                   ///< fails every open()
  Result<std::string> answer = R"({"rows": [], "sequence": 0, "forgotten": 0})";  ///< of every log()
  std::string asked_id;                                                           ///< by the last log()
  std::uint64_t asked_since = 0;
};

}  // namespace banger::test
