#include "engine/vm/running_machine.h"

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "machine/console.h"

namespace banger::engine {

namespace {

Result<machine::MachineRecord> recorded_machine(const store::VmRow& row) {
  if (row.machine.empty()) return fail(ErrorCode::not_found, "no machine was started");
  return machine::record_from_json(TRY(parse_json(row.machine, limits::kRpcMessageBytes)));
}

}  // namespace

bool may_have_run(const store::VmRow& row) {
  if (row.machine.empty()) return false;
  auto record = recorded_machine(row);
  return !record || record->process.pid != 0;
}

void RunningMachine::begin() {
  was_started_ = false;
  metrics_.reset();
}

void RunningMachine::started(Machine machine, OnExit on_exit) {
  was_started_ = true;
  adopted(std::move(machine), std::move(on_exit));
}

void RunningMachine::adopted(Machine machine, OnExit on_exit) {
  machine_ = machine;
  stands_ = false;
  services_.runtime.spawn(watch(shared_from_this(), std::move(machine), std::move(on_exit)));
}

Task<> RunningMachine::watch(std::shared_ptr<RunningMachine> self, Machine machine, OnExit on_exit) {
  auto exit = co_await machine->wait_exit();
  self->record_->changed().notify_all();
  co_await on_exit(std::move(machine), std::move(exit));
}

Task<Result<RunningMachine::Machine>> RunningMachine::find(Paused paused) {
  auto record = CO_TRY(recorded_machine(record_->row()));
  if (record.process.pid == 0) {
    auto process = services_.vmms.find_process(record.token);
    if (!process) co_return fail(ErrorCode::not_found, "the machine never started");
    record.process = *process;
  }
  auto* driver = CO_TRY(co_await services_.vmms.for_record(record));
  co_return Machine(CO_TRY(co_await driver->adopt(record, paused)));
}

std::optional<machine::MachineExit> RunningMachine::unseen_end() const {
  auto record = recorded_machine(record_->row());
  return record ? machine::end_on_console(*record) : std::nullopt;
}

Task<Result<>> RunningMachine::find_and_end() {
  auto machine = co_await find(Paused::stays);
  if (machine)
    machine_ = std::move(*machine);
  else if (is_alive())
    co_return std::unexpected(std::move(machine).error());
  co_return co_await end();
}

bool RunningMachine::is_alive() const {
  auto record = recorded_machine(record_->row());
  return record && services_.vmms.is_alive(*record);
}

Task<Result<>> RunningMachine::end() {
  if (!machine_) co_return Result<>{};
  auto machine = machine_;
  if (machine->running()) CO_TRY(co_await machine->kill());
  machine_.reset();
  co_return Result<>{};
}

// While the machine answers, it may end and another machine may take its place.
Task<> RunningMachine::read_metrics(std::chrono::milliseconds age) {
  auto machine = machine_;
  auto now = host::Clock::now();
  if (services_.config.metrics_poll_interval.count() == 0 || !machine || record_->state() != vm::State::running)
    co_return;
  if (metrics_ && now - metrics_at_ < age) co_return;
  auto metrics = co_await machine->metrics();
  if (machine_ != machine) co_return;
  if (metrics) {
    metrics_ = std::move(*metrics);
    metrics_at_ = now;
  } else if (metrics.error().code != ErrorCode::busy && metrics.error().code != ErrorCode::unsupported) {
    services_.log.debug("vm.no_metrics", {{"vm", record_->row().name}, {"error", metrics.error().message}});
  }
}

}  // namespace banger::engine
