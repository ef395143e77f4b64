// A VmmChoice for tests that always chooses the fake VMM.
#pragma once

#include "engine/vmm_choice.h"
#include "support/fake_machine.h"

namespace banger::test {

class FakeVmms final : public engine::VmmChoice {
 public:
  FakeVmms(host::Runtime& runtime, FakeHost& host) : host_(host), driver_(runtime, host) {}

  Task<Result<machine::Driver*>> choose(const std::string&, engine::NetworkNeeds) override {
    CO_TRY(host_.log.step("vmm choose"));
    co_return &driver_;
  }
  Task<Result<engine::Choice>> decide(const std::string&, engine::NetworkNeeds) override {
    co_return engine::Choice{engine::Choice::Vmm::qemu, "a test"};
  }
  Task<Result<machine::Driver*>> for_record(const machine::MachineRecord&) override { co_return &driver_; }
  std::optional<host::ProcessId> find_process(std::string_view token) const override {
    auto process = host_.by_token(token);
    return process ? std::optional(process->record.process) : std::nullopt;
  }
  bool is_alive(const machine::MachineRecord& record) const override { return host_.by_token(record.token) != nullptr; }
  Task<Result<machine::qemu::QemuFacts>> qemu() override { co_return none(); }
  Task<Result<machine::firecracker::FirecrackerFacts>> firecracker() override {
    if (!firecracker_verdict) co_return none();
    co_return machine::firecracker::FirecrackerFacts{.binary = "/firecracker", .version = {1, 15, 1}};
  }
  Task<Result<machine::KvmVerdict>> kvm(const std::string&) override { return known(&kvm_verdict); }
  Task<Result<machine::KvmVerdict>> firecracker_kvm(const std::string&) override { return known(&firecracker_verdict); }
  Task<Result<>> forget_kvm(const std::string&) override { co_return Result<>{}; }

  std::optional<machine::KvmVerdict> kvm_verdict;          ///< empty: QEMU is not installed
  std::optional<machine::KvmVerdict> firecracker_verdict;  ///< empty: Firecracker is not installed

 private:
  static Task<Result<machine::KvmVerdict>> known(const std::optional<machine::KvmVerdict>* verdict) {
    if (!*verdict) co_return none();
    co_return **verdict;
  }
  static std::unexpected<Error> none() { return fail(ErrorCode::not_found, "there is no real VMM in this test"); }

  FakeHost& host_;
  FakeDriver driver_;
};

}  // namespace banger::test
