// Taps by number: the journal, the calls to the helper, and failures.
#include "capabilities/bridge/taps.h"

#include "bridge_host.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

struct Fixture : BridgeHost {
  void load() {
    for (const auto& entry : *store->journal()) taps.load(entry);
  }
  Taps taps{log, *store, operations, {.owner = 1000, .daemon = 7}};
};

}  // namespace

TEST_CASE("taps: the journal has an idle tap before the tap is made, even if that fails") {
  Fixture f;
  auto number = f.taps.free_number();
  REQUIRE(number);
  f.operations.fails = "tap.create";
  CHECK(f.run(f.taps.create_idle(*number)).error().message == "not today");
  CHECK(f.owners("tap") == std::vector<std::string>{store::kBridgeOwner});
  CHECK(f.taps.known(*number));
  CHECK(f.taps.free_number().value() != *number);
  f.operations.fails = "nothing";
  f.run(f.taps.remove_discarded());
  CHECK(f.owners("tap").empty());
  CHECK(!f.taps.known(*number));
  CHECK(f.operations.asked.front() == fmt::format(R"(tap.create {{"daemon":7,"tap":{}}})", *number));
}

TEST_CASE("taps: a VM's tap is removed at its release") {
  Fixture f;
  REQUIRE(f.store->record_lease({kVm, 0xac100002}, "3"));
  f.load();
  CHECK(f.taps.of(kVm) == 3u);
  CHECK(f.taps.holders() == std::vector<std::string>{kVm});
  f.run(f.taps.release(kVm));
  CHECK(f.operations.asked == std::vector<std::string>{R"(tap.delete {"tap":3})"});
  CHECK(!f.taps.of(kVm));
  CHECK(f.owners("tap").empty());
}

TEST_CASE("taps: a VM's tap that cannot be removed is removed later, for the bridge") {
  Fixture f;
  REQUIRE(f.store->record_lease({kVm, 0xac100002}, "3"));
  f.load();
  f.operations.fails = "tap.delete";
  f.run(f.taps.release(kVm));
  CHECK(f.owners("tap") == std::vector<std::string>{store::kBridgeOwner});
  CHECK(f.taps.holders().empty());
  CHECK(f.taps.known(3));
  f.run(f.taps.remove_discarded());
  CHECK(f.taps.known(3));
  f.operations.fails = "nothing";
  f.run(f.taps.remove_discarded());
  CHECK(!f.taps.known(3));
  CHECK(f.owners("tap").empty());
}

TEST_CASE("taps: an idle tap of an earlier daemon is discarded, a VM's tap is kept") {
  Fixture f;
  REQUIRE(f.store->add_journal({0, store::kBridgeOwner, "tap", "1"}));
  REQUIRE(f.store->record_lease({kVm, 0xac100002}, "2"));
  REQUIRE(f.store->add_journal({0, store::kBridgeOwner, "bridge", "br-t"}));
  f.load();
  f.run(f.taps.remove_discarded());
  CHECK(f.operations.asked == std::vector<std::string>{R"(tap.delete {"tap":1})"});
  CHECK(f.taps.of(kVm) == 2u);
}

TEST_CASE("taps: a reply without a descriptor is an error") {
  struct Silent final : Privileged {
    Task<Result<PrivilegedReply>> call(std::string, std::string) override { co_return PrivilegedReply{}; }
    Way way() const override { return Way::helper; }
  } silent;
  BridgeHost host;
  Taps taps(host.log, *host.store, silent, {.owner = 1000, .daemon = 7});
  CHECK(host.run(taps.create(1)).error().message == "tap.create sent 0 descriptors instead of 1");
}
