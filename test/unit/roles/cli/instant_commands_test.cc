// The commands suspend, snapshot, fork and template. A fake daemon answers their calls.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/objects/snapshot.h"
#include "api/objects/template.h"
#include "catch.h"
#include "helpers.h"

using namespace banger;
using namespace banger::roles::cli;
using test::vm_object;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

const Json kSnapshot = test::with_defaults<api::SnapshotObject>({
    {"id", "sn1"},
    {"name", "before"},
    {"vm", "web"},
    {"image", "debian"},
    {"has_memory", true},
    {"size_bytes", 150 << 20},
    {"created_at", 1},
    {"used_by", {"copy"}},
});
const Json kTemplate = test::with_defaults<api::TemplateObject>({
    {"id", "tm1"},
    {"image", "debian"},
    {"kernel", "debian-cloud"},
    {"vcpus", 1},
    {"memory_bytes", 512ll << 20},
    {"disk_bytes", 8ll << 30},
    {"system_bytes", 4ll << 30},
    {"storage", "overlay"},
    {"network", "user"},
    {"nat", true},
    {"state", "ready"},
    {"size_bytes", 130 << 20},
    {"created_at", 1},
    {"used_by", {"web", "db"}},
});
const Json kPooled = {{"id", "pl1"}, {"template", "tm1"}, {"state", "ready"}, {"age_s", 65}, {"pss_bytes", 30 << 20}};

struct Fixture {
  test::Home home;
  test::FakeDaemon daemon{home};

  Fixture() {
    answer("host.defaults",
           {{"vcpus", 4}, {"memory_bytes", 8ll << 30}, {"disk_bytes", 8ll << 30}, {"system_bytes", 8ll << 30}});
    answer("vm.create", vm_object("new"));
  }
  void answer(const std::string& method, Json result) {
    daemon.answers[method] = [result = std::move(result)](const Json&) -> Result<Json> { return result; };
  }
  test::Outcome run(const std::vector<std::string>& words) { return home.run(words); }
  Json parsed(const std::vector<std::string>& words) {
    auto done = run(words);
    return parse_json(done.out, 1 << 20).value_or(Json(done.err));
  }
  /// The parameters of the last call of a method.
  Json sent(const std::string& method) const {
    auto calls = daemon.calls();
    for (auto call = calls.rbegin(); call != calls.rend(); ++call)
      if (call->starts_with(method + " ")) return *parse_json(call->substr(method.size() + 1), 1 << 20);
    return nullptr;
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "vm suspend and resume: many at once, one line each, and one failure decides the status") {
  daemon.answers["vm.suspend"] = [](const Json& params) -> Result<Json> {
    if (params.at("vm") == "b") return fail(ErrorCode::invalid, "VM 'b' is not running");
    return vm_object(params.at("vm"), "suspended");
  };
  answer("vm.resume", vm_object("a"));
  auto done = run({"vm", "suspend", "a", "b", "c"});
  CHECK(done.status == 125);
  CHECK(contains(done.out, "a: suspended\n"));
  CHECK(contains(done.out, "c: suspended\n"));
  CHECK(done.err == "banger: VM 'b' is not running\n");
  CHECK(run({"vm", "suspend"}).status == 2);
  CHECK(run({"vm", "resume", "a"}).out == "a: running\n");
  CHECK(sent("vm.resume") == Json{{"vm", "a"}});
  answer("vm.start", vm_object("a"));
  CHECK(run({"vm", "start", "a"}).out == "a: running\n");
  CHECK(sent("vm.start") == Json{{"vm", "a"}});
  CHECK(run({"vm", "start", "--cold", "a"}).status == 0);
  CHECK(sent("vm.start") == Json{{"vm", "a"}, {"cold", true}});
}

TEST_CASE_METHOD(Fixture, "vm list and show: a suspended VM, and how a running VM came up") {
  answer("vm.list", {{"vms", {vm_object("web", "suspended")}}});
  CHECK(contains(run({"vm", "list"}).out, "web   idweb  suspended  debian"));
  auto vm = vm_object("web");
  vm["way"] = "clone";
  vm["template"] = "tm1";
  answer("vm.show", vm);
  auto shown = run({"vm", "show", "web"}).out;
  CHECK(contains(shown, "way           clone\n"));
  CHECK(contains(shown, "template      tm1\n"));
  CHECK(contains(shown, "stages        boot 1.25s\n"));
}

TEST_CASE_METHOD(Fixture, "vm snapshot create: with memory, or with disks alone; prints the id with -q") {
  answer("vm.snapshot.create", kSnapshot);
  CHECK(run({"vm", "snapshot", "create", "web", "--name", "before"}).out == "before: memory, disks of VM web, 150M\n");
  CHECK(sent("vm.snapshot.create") == Json{{"vm", "web"}, {"name", "before"}});
  CHECK(run({"vm", "snapshot", "create", "web", "-q"}).out == "sn1\n");
  CHECK(sent("vm.snapshot.create") == Json{{"vm", "web"}});
  CHECK(parsed({"vm", "snapshot", "create", "web", "--json"}) == kSnapshot);
  auto stopped = kSnapshot;
  stopped["has_memory"] = false;
  answer("vm.snapshot.create", stopped);
  CHECK(contains(run({"vm", "snapshot", "create", "web"}).out, "before: disks of VM web"));
}

TEST_CASE_METHOD(Fixture, "vm snapshot list: for all VMs or for one, as a table, an array or ids") {
  answer("vm.snapshot.list", {{"snapshots", {kSnapshot}}});
  auto table = run({"vm", "snapshot", "ls"}).out;
  CHECK(
      table.starts_with("NAME    ID   VM   IMAGE   HOLDS          SIZE  USED BY  AGE\n"
                        "before  sn1  web  debian  memory, disks  150M  copy     "));
  CHECK(sent("vm.snapshot.list") == Json::object());
  CHECK(parsed({"vm", "snapshot", "list", "web", "--json"}) == Json::array({kSnapshot}));
  CHECK(sent("vm.snapshot.list") == Json{{"vm", "web"}});
  CHECK(run({"vm", "snapshot", "list", "-q"}).out == "sn1\n");
}

TEST_CASE_METHOD(Fixture, "vm snapshot restore: prints the VM's state, and forces only with --force") {
  answer("vm.snapshot.restore", vm_object("web"));
  CHECK(run({"vm", "snapshot", "restore", "web", "before"}).out == "web: running\n");
  CHECK(sent("vm.snapshot.restore") == Json{{"vm", "web"}, {"snapshot", "before"}, {"force", false}});
  CHECK(parsed({"vm", "snapshot", "restore", "web", "before", "--force", "--json"}) == vm_object("web"));
  CHECK(sent("vm.snapshot.restore").at("force") == true);
  CHECK(run({"vm", "snapshot", "restore", "web"}).err ==
        "banger: 'vm snapshot restore' needs SNAPSHOT (hint: see 'banger vm snapshot restore --help')\n");
}

TEST_CASE_METHOD(Fixture, "vm snapshot delete: deletes many, each with its own call") {
  daemon.answers["vm.snapshot.delete"] = [](const Json& params) -> Result<Json> {
    if (params.at("snapshot") == "b") return fail(ErrorCode::busy, "VM 'copy' runs on snapshot 'b'");
    return Json{{"id", "x"}, {"name", params.at("snapshot")}};
  };
  auto done = run({"vm", "snapshot", "rm", "a", "b"});
  CHECK(done.status == 125);
  CHECK(done.out == "a: deleted\n");
  CHECK(done.err == "banger: VM 'copy' runs on snapshot 'b'\n");
}

TEST_CASE_METHOD(Fixture, "vm fork: the new names on standard output, the source's pause on standard error") {
  Json forked = {{"vms", {vm_object("try-1"), vm_object("try-2")}}, {"pause_ms", 41.7}};
  answer("vm.fork", forked);
  auto done = run({"vm", "fork", "web", "--count", "2", "--name", "try"});
  CHECK(done.status == 0);
  CHECK(done.out == "try-1\ntry-2\n");
  CHECK(done.err == "banger: vm 'web' stood still for 42 ms\n");
  CHECK(sent("vm.fork") == Json{{"vm", "web"}, {"count", 2}, {"names", {"try-1", "try-2"}}});
  CHECK(run({"vm", "fork", "web", "-q"}).out == "idtry-1\nidtry-2\n");
  CHECK(sent("vm.fork") == Json{{"vm", "web"}, {"count", 1}});
  CHECK(parsed({"vm", "fork", "web", "--name", "one", "--json"}) == forked);
  CHECK(sent("vm.fork").at("names") == Json::array({"one"}));
  forked["pause_ms"] = 0;
  answer("vm.fork", forked);
  CHECK(run({"vm", "fork", "web"}).err == "");
  CHECK(run({"vm", "fork", "web", "--count", "0"}).status == 2);
  CHECK(run({"vm", "fork", "web", "--count", "65"}).status == 2);
}

TEST_CASE_METHOD(Fixture, "vm create --from: prints the snapshot's sizes, and refuses options that it decides") {
  auto done = run({"vm", "create", "--from", "before", "--name", "new", "--no-nat"});
  CHECK(done.status == 0);
  CHECK(done.err == "spec: 2 vcpu · 1G memory · 8G disk\n");
  CHECK(done.out == "new: running (idnew)\n");
  CHECK(sent("vm.create") == Json{{"name", "new"}, {"from", "before"}, {"nat", false}, {"start", true}});
  CHECK(daemon.called("host.defaults") == 0);
  auto before = daemon.called("vm.create");
  for (std::vector<std::string> more : {std::vector<std::string>{"--image", "x"}, {"--kernel", "x"}, {"--cold"}}) {
    std::vector<std::string> words{"vm", "create", "--from", "before"};
    words.insert(words.end(), more.begin(), more.end());
    auto refused = run(words);
    CHECK(refused.status == 2);
    CHECK(contains(refused.err, "--from and " + more[0] + " exclude each other"));
  }
  CHECK(daemon.called("vm.create") == before);
  // A snapshot without memory does not decide these. Only the daemon knows whether the snapshot has memory.
  CHECK(run({"vm", "create", "--from", "before", "--vcpu", "3"}).status == 0);
  CHECK(sent("vm.create").at("vcpus") == 3);
}

TEST_CASE_METHOD(Fixture, "vm run and create: pass on --cold only if it is given") {
  CHECK(run({"vm", "create"}).status == 0);
  CHECK(!sent("vm.create").contains("cold"));
  CHECK(run({"vm", "create", "--cold"}).status == 0);
  CHECK(sent("vm.create").at("cold") == true);
  CHECK(run({"vm", "run", "--cold", "--detach"}).status == 0);
  CHECK(sent("vm.create").at("cold") == true);
}

TEST_CASE_METHOD(Fixture, "template list: shows the templates, and then the clones in the ready pool") {
  answer("template.list", {{"templates", {kTemplate}}, {"pool", {kPooled}}});
  auto out = run({"template", "list"}).out;
  CHECK(out.starts_with("ID   STATE  IMAGE   KERNEL        VCPU  MEMORY  DISK  SYSTEM  STORAGE  NETWORK  SIZE  AGE"));
  CHECK(contains(out, "tm1  ready  debian  debian-cloud  1     512M    8G    4G      overlay  user     130M  "));
  CHECK(contains(out, "  web, db\n"));
  CHECK(out.ends_with("ready pool: pl1 of template tm1, ready, 1m 5s old, 30M of memory\n"));
  CHECK(run({"template", "ls", "-q"}).out == "tm1\n");
  auto with_pool = kTemplate;
  with_pool["pool"] = Json::array({kPooled});
  CHECK(parsed({"template", "list", "--json"}) == Json::array({with_pool}));
}

TEST_CASE_METHOD(Fixture, "template build: passes on the size and --rebuild") {
  answer("template.build", kTemplate);
  CHECK(run({"template", "build"}).out == "tm1: ready, 130M\n");
  CHECK(sent("template.build") == Json::object());
  CHECK(run({"template", "build", "--image", "debian", "--kernel", "k", "--vcpu", "2", "--memory", "512", "--rebuild",
             "-q"})
            .out == "tm1\n");
  CHECK(sent("template.build") ==
        Json{{"image", "debian"}, {"kernel", "k"}, {"vcpus", 2}, {"memory_bytes", 512 << 20}, {"rebuild", true}});
  CHECK(parsed({"template", "build", "--json"}) == kTemplate);
}

TEST_CASE_METHOD(Fixture, "template delete: takes names or --all, but not both and not neither") {
  answer("template.delete", {{"deleted", {"tm1", "tm2"}}});
  auto some = run({"template", "rm", "tm1", "tm2"}).out;
  CHECK(contains(some, "tm1: deleted\n"));
  CHECK(contains(some, "tm2: deleted\n"));
  CHECK(daemon.called("template.delete") == 2);
  CHECK(sent("template.delete").contains("template"));
  CHECK(run({"template", "delete", "--all"}).out == "tm1: deleted\ntm2: deleted\n");
  CHECK(sent("template.delete") == Json{{"all", true}});
  CHECK(run({"template", "delete"}).status == 2);
  CHECK(run({"template", "delete", "tm1", "--all"}).status == 2);
}
