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
  Task<Result<machine::firecracker::FirecrackerFacts>> firecracker() override { co_return none(); }
  Task<Result<machine::qemu::KvmVerdict>> kvm(const std::string&) override { co_return none(); }
  Task<Result<>> forget_kvm(const std::string&) override { co_return Result<>{}; }

 private:
  static std::unexpected<Error> none() { return fail(ErrorCode::not_found, "there is no real VMM in this test"); }

  FakeHost& host_;
  FakeDriver driver_;
};

}  // namespace banger::test
