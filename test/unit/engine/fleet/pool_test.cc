// The ready pool and its templates, with fake machines. The pool makes clones before a user asks for them.
#include "engine/fleet/pool.h"

#include "catch.h"
#include "engine/fleet/fleet_fixture.h"

using namespace banger;
using namespace banger::engine;
using vm::State;

namespace {

struct Fixture : test::FleetFixture {
  /// Creates a VM, which also builds the template for the pool's clones.
  std::shared_ptr<VmOwner> first() {
    auto vm = create(named("first"));
    INFO((vm ? "" : vm.error().sentence()));
    REQUIRE(vm);
    return *vm;
  }
  void fill() {
    daemon->runtime.spawn(vms->pool().run());
    REQUIRE(run_until([this] { return ready() == config.pool_size; }));
  }
  std::size_t ready() const {
    return static_cast<std::size_t>(std::ranges::count_if(vms->pool().members(), &Pool::Member::ready));
  }
};

}  // namespace

TEST_CASE("pool: the first VM is a clone of a new template") {
  Fixture f;
  auto vm = f.first();
  CHECK(vm->record().row().started_from == store::StartedFrom::clone);
  CHECK(f.daemon->saves.list(store::SaveKind::template_).size() == 1);
  CHECK(f.vms->registry().everything().size() == 1);
  CHECK(f.mismatch() == "");
}

TEST_CASE("pool: the pool fills with clones, and the next VM is one of the clones") {
  Fixture f;
  f.first();
  f.fill();
  auto pooled = f.vms->pool().members().front().vm;
  CHECK(pooled->record().row().purpose == store::Purpose::pool);
  auto vm = f.create(Fixture::named("second"));
  REQUIRE(vm);
  CHECK(*vm == pooled);
  CHECK((*vm)->record().row().started_from == store::StartedFrom::pool);
  CHECK((*vm)->record().row().purpose == store::Purpose::user);
  CHECK(f.vms->registry().get("second") == pooled);
  CHECK(f.host.of(pooled->record().id())->guest->name == "second");
}

TEST_CASE("pool: a VM of other sizes gets a template of its own") {
  Fixture f;
  f.first();
  f.fill();
  auto request = Fixture::named("second");
  request.spec.vcpus = 2;
  auto vm = f.create(request);
  REQUIRE(vm);
  CHECK((*vm)->record().row().started_from == store::StartedFrom::clone);
  CHECK(f.daemon->saves.list(store::SaveKind::template_).size() == 2);
  CHECK(f.ready() == 1);
}

TEST_CASE("pool: a VM that must not reach the outside is not taken from the pool") {
  Fixture f;
  f.first();
  f.fill();
  auto request = Fixture::named("second");
  request.spec.nat = false;
  auto vm = f.create(request);
  REQUIRE(vm);
  CHECK((*vm)->record().row().started_from == store::StartedFrom::clone);
  CHECK(f.ready() == 1);
}

TEST_CASE("pool: a machine that cannot become the VM is removed, and the VM is made without the pool") {
  Fixture f;
  f.first();
  f.fill();
  auto id = f.vms->pool().members().front().vm->record().id();
  f.host.of(id)->end({.guest_initiated = true, .reason = "killed"});
  auto vm = f.create(Fixture::named("second"));
  REQUIRE(vm);
  CHECK((*vm)->record().id() != id);
  CHECK((*vm)->record().row().started_from == store::StartedFrom::clone);
}

TEST_CASE("pool: a template with clones that do not start is not tried again and again") {
  Fixture f;
  f.first();
  f.log.fail_on("vmm start");
  f.daemon->runtime.spawn(f.vms->pool().run());
  REQUIRE(f.run_until([&] { return f.log.has("vmm start"); }));
  REQUIRE(f.run_until([&] { return f.vms->pool().members().empty() && f.vms->registry().everything().size() == 1; }));
  auto starts = std::ranges::count(f.log.steps(), "vmm start");
  CHECK(f.run(f.daemon->runtime.sleep_for(std::chrono::milliseconds(20))));
  CHECK(std::ranges::count(f.log.steps(), "vmm start") == starts);
}

TEST_CASE("pool: one clone that does not start costs its template nothing, two in a row do") {
  Fixture f;
  f.first();
  auto usable = [&] {
    auto list = f.daemon->saves.list(store::SaveKind::template_);
    return !list.empty() && !list[0].key.empty();
  };
  auto create = [&](const std::string& name) {
    auto vm = f.create(Fixture::named(name));
    REQUIRE(vm);
    return (*vm)->record().row().started_from;
  };
  f.log.fail_on("agent /configure", ErrorCode::timeout);
  CHECK(create("second") == store::StartedFrom::boot);
  CHECK(usable());
  f.log.heal();
  CHECK(create("third") == store::StartedFrom::clone);
  f.log.fail_on("agent /configure", ErrorCode::unavailable);
  CHECK(create("fourth") == store::StartedFrom::boot);
  CHECK(usable());
  CHECK(create("fifth") == store::StartedFrom::boot);
  CHECK(!usable());
}

TEST_CASE("pool: a template whose files do not work is given up at once") {
  Fixture f;
  f.first();
  f.log.fail_on("agent /configure", ErrorCode::corrupt);
  REQUIRE(f.create(Fixture::named("second")));
  CHECK(f.run_until([&] {
    auto list = f.daemon->saves.list(store::SaveKind::template_);
    return list.empty() || list[0].key.empty();
  }));
}

TEST_CASE("pool: all ready machines are removed when memory is short") {
  Fixture f;
  f.first();
  f.fill();
  CHECK(f.run(f.vms->pool().remove_ready()));
  CHECK(f.vms->pool().members().empty());
  CHECK(f.host.running().size() == 1);
}

TEST_CASE("pool: the machines of a dropped template are removed") {
  Fixture f;
  auto image = f.first()->record().row().image_id;
  f.fill();
  CHECK(f.run(f.vms->pool().drop_templates([&](const store::SaveRow& row) { return row.image_id != image; })));
  CHECK(f.ready() == 1);
  CHECK(f.run(f.vms->pool().drop_templates([&](const store::SaveRow& row) { return row.image_id == image; })));
  CHECK(f.ready() == 0);
  for (const auto& row : f.daemon->saves.list(store::SaveKind::template_)) CHECK(row.key == "");
}

TEST_CASE("pool: nothing is left after an orderly end of the daemon") {
  Fixture f;
  f.first();
  f.fill();
  CHECK(f.run(f.vms->pool().close()));
  CHECK(f.vms->pool().members().empty());
  CHECK(f.daemon->store->vms()->size() == 1);
}

TEST_CASE("pool: the next daemon adopts machines that outlived their daemon") {
  Fixture f;
  f.first();
  f.fill();
  auto id = f.vms->pool().members().front().vm->record().id();
  f.die();
  REQUIRE(f.ready() == 1);
  auto vm = f.create(Fixture::named("second"));
  REQUIRE(vm);
  CHECK((*vm)->record().id() == id);
}
