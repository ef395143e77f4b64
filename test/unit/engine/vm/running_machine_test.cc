// The process that runs a VM: finding it, watching it, ending it and reading its metrics.
#include "engine/vm/running_machine.h"

#include <nlohmann/json.hpp>

#include "catch.h"
#include "engine/fixture.h"
#include "machine/metrics.h"

using namespace banger;
using namespace banger::engine;
using banger::test::Fixture;
using namespace std::chrono_literals;

namespace {

template <class T>
Task<bool> to_end(Task<T> task) {
  co_await std::move(task);
  co_return true;
}

}  // namespace

TEST_CASE("machine: a process is found by its record") {
  Fixture f;
  auto vm = f.running();
  auto found = f.run(vm->parts().machine->find(Paused::stays));
  REQUIRE(found);
  CHECK((*found)->running());
}

TEST_CASE("machine: a process without a recorded pid is found by its token") {
  Fixture f;
  auto vm = f.running();
  auto token = f.host.running().front()->record.token;
  REQUIRE(vm->parts().record->edit([&](store::VmRow& row, vm::Spec&) {
    row.machine = dump_json(machine::to_json(machine::MachineRecord{.driver = "fake", .token = token}));
  }));
  CHECK(!may_have_run(vm->record().row()));
  CHECK(f.run(vm->parts().machine->find(Paused::stays)));
}

TEST_CASE("machine: a paused machine is resumed, or stays paused, on request") {
  Fixture f;
  auto vm = f.running();
  auto process = f.host.running().front();
  process->paused = true;
  REQUIRE(f.run(vm->parts().machine->find(Paused::stays)));
  CHECK(process->paused);
  REQUIRE(f.run(vm->parts().machine->find(Paused::resumes)));
  CHECK(!process->paused);
}

TEST_CASE("machine: without a record no process is found") {
  Fixture f;
  auto vm = f.stopped();
  auto found = f.run(vm->parts().machine->find(Paused::stays));
  REQUIRE(!found);
  CHECK(found.error().code == ErrorCode::not_found);
  CHECK(f.run(vm->parts().machine->find_and_end()));
}

TEST_CASE("machine: a process that cannot be ended is not forgotten") {
  Fixture f;
  auto vm = f.running();
  f.log.fail_on("vmm kill");
  CHECK(!f.run(vm->parts().machine->end()));
  CHECK(vm->parts().machine->running());
  f.log.heal();
  CHECK(f.run(vm->parts().machine->end()));
  CHECK(!vm->parts().machine->get());
  CHECK(f.host.running().empty());
}

TEST_CASE("machine: old metrics are read again, and the last metrics are kept after the end") {
  Fixture f;
  auto vm = f.running();
  auto& machine = *vm->parts().machine;
  CHECK_FALSE(machine.metrics());
  f.host.metrics.add("net_rx_bytes", 7);
  REQUIRE(f.run(to_end(machine.read_metrics(0ms))));
  CHECK(machine.metrics().value().figures.at("net_rx_bytes") == 7);
  f.host.metrics.add("net_rx_bytes", 1);
  REQUIRE(f.run(to_end(machine.read_metrics(1h))));
  CHECK(machine.metrics().value().figures.at("net_rx_bytes") == 7);
  f.log.fail_on("vmm metrics");
  REQUIRE(f.run(to_end(machine.read_metrics(0ms))));
  CHECK(machine.metrics().value().figures.at("net_rx_bytes") == 7);
  f.log.heal();
  REQUIRE(f.run(vm->kill()));
  CHECK(machine.metrics().value().figures.at("net_rx_bytes") == 7);
  REQUIRE(f.start(*vm));
  CHECK_FALSE(machine.metrics());
}

TEST_CASE("machine: metrics are not read when the config disables them") {
  Fixture f;
  f.config.metrics_poll_interval = 0ms;
  auto vm = f.running();
  REQUIRE(f.run(to_end(vm->parts().machine->read_metrics(0ms))));
  CHECK(!f.log.has("vmm metrics"));
}
