// The image, kernel and host commands. A fake daemon answers their calls.
#include <nlohmann/json.hpp>

#include "api/method.h"
#include "api/objects/image.h"
#include "api/objects/kernel.h"
#include "catch.h"
#include "helpers.h"
#include "roles/cli/log_stream.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

struct Fixture {
  test::Home home;
  test::FakeDaemon daemon{home};
  void answer(const std::string& method, Json result) {
    daemon.answers[method] = [result = std::move(result)](const Json&) -> Result<Json> { return result; };
  }
  Json parsed(const std::vector<std::string>& words) {
    auto done = home.run(words);
    return parse_json(done.out, 1 << 20).value_or(Json(done.err));
  }
};

const Json kImage = test::with_defaults<api::ImageObject>({
    {"id", "im1"},
    {"name", "debian"},
    {"source", "recipe"},
    {"kernel", "debian-cloud"},
    {"size_bytes", 1 << 30},
    {"rootfs_bytes", 1 << 29},
    {"created_at", 1},
    {"init", "systemd"},
    {"rootfs", "/x"},
    {"used_by", {"web"}},
});
const Json kKernel = test::with_defaults<api::KernelObject>({
    {"name", "debian-cloud"},
    {"source", "apt"},
    {"release", "6.1"},
    {"size_bytes", 1 << 24},
});

Json entry(std::string_view kind, std::string_view name, std::string_view description) {
  return {{"kind", kind}, {"name", name}, {"description", description}, {"sources", {"packages", "oci a.test/app"}}};
}

}  // namespace

TEST_CASE_METHOD(Fixture, "image catalog and kernel catalog: list the entries of their kind") {
  answer("catalog.show", {{"place", ""}, {"entries", {entry("image", "dev", "tools"), entry("kernel", "k", "small")}}});
  auto images = home.run({"image", "catalog"}).out;
  CHECK(contains(images, "dev   packages, oci a.test/app  tools"));
  CHECK(!contains(images, "small"));
  CHECK(home.run({"kernel", "catalog", "-q"}).out == "k\n");
  CHECK(parsed({"kernel", "catalog", "--json"}) == Json::array({entry("kernel", "k", "small")}));
}

TEST_CASE_METHOD(Fixture, "image list: shows images, and those of the catalog that are not here") {
  answer("image.list", {{"images", {kImage}},
                        {"recipes", Json::array()},
                        {"available", {entry("image", "debian", "d"), entry("image", "dev", "tools")}}});
  auto out = home.run({"image", "list"}).out;
  CHECK(contains(out, "debian  im1  recipe"));
  CHECK(contains(out, "not pulled yet: dev (tools)\n"));
  CHECK(!contains(out, "not pulled yet: debian"));
  CHECK(home.run({"image", "ls", "-q"}).out == "im1\n");
  CHECK(parsed({"image", "list", "--json"}) == Json::array({kImage}));
}

TEST_CASE_METHOD(Fixture, "image show, build, import and delete call their methods") {
  for (auto method : {"image.show", "image.build", "image.import"}) answer(method, kImage);
  answer("image.delete", {{"id", "im1"}, {"name", "debian"}});
  CHECK(contains(home.run({"image", "show", "debian"}).out, "used by     web\n"));
  CHECK(contains(home.run({"image", "show", "debian"}).out, "path        /x\n"));
  CHECK(parsed({"image", "show", "debian", "--json"}) == kImage);
  CHECK(home.run({"image", "build", "debian"}).out == "debian: ready, 1G\n");
  CHECK(home.run({"image", "import", "debian", "rootfs.tar", "--kernel", "k", "-q"}).out == "im1\n");
  CHECK(home.run({"image", "rm", "debian"}).out == "debian: deleted\n");
  // The daemon has another working directory, so paths are sent absolute.
  for (const auto& call : daemon.calls())
    if (call.starts_with("image.import ")) {
      auto params = *parse_json(call.substr(13), 4096);
      CHECK(params.at("tar").get<std::string>().starts_with("/"));
      CHECK(params.at("kernel") == "k");
    }
}

TEST_CASE_METHOD(Fixture, "image build: a path or an option of Containerfiles means a context") {
  CHECK(contains(home.run({"image", "build", "."}).err, "add -t NAME"));
  CHECK(contains(home.run({"image", "build", "./x"}).err, "add -t NAME"));
  CHECK(contains(home.run({"image", "build", "x", "--no-cache"}).err, "add -t NAME"));
  CHECK(contains(home.run({"image", "build", "-t", "app"}).err, "--tag needs the directory of a Containerfile"));
  CHECK(contains(home.run({"image", "build", "-t", "app", "--name", "x", "."}).err, "the name of -t"));
  CHECK(contains(home.run({"image", "build", "-t", "A B", "."}).err, "A B"));
  CHECK(contains(home.run({"image", "build", "-t", "app", "./missing"}).err, "./missing: No such file"));
  CHECK(contains(home.run({"image", "build", "-t", "app", "-"}).err, "-f FILE"));
  CHECK(daemon.called("image.build") == 0);
}

TEST_CASE_METHOD(Fixture, "image build: from a VM, with warnings about what the image lacks") {
  answer("image.build_from_vm",
         {{"image", kImage}, {"left_out", {{{"path", "./a"}, {"reason", "it became shorter"}}}}, {"left_out_more", 2}});
  auto done = home.run({"image", "build", "--from-vm", "web", "--name", "debian"});
  CHECK(done.out == "debian: ready, 1G\n");
  CHECK(contains(done.err, "warning: ./a is not in the image as it was: it became shorter"));
  CHECK(contains(done.err, "warning: so are 2 more files"));
  CHECK(daemon.called("image.build_from_vm") == 1);
  CHECK(contains(home.run({"image", "build", "--from-vm", "web"}).err, "add --name NAME"));
  CHECK(contains(home.run({"image", "build", "debian", "--from-vm", "web", "--name", "x"}).err, "not from both"));
  CHECK(contains(home.run({"image", "build", "debian", "--name", "x"}).err, "leave out --name"));
  CHECK(contains(home.run({"image", "build"}).err, "no recipe to build"));
}

TEST_CASE_METHOD(Fixture, "image push: prints the reference and the digest") {
  answer("image.push", {{"name", "a.test/x:latest"}, {"digest", "sha256:12"}, {"sent_bytes", 0}});
  CHECK(home.run({"image", "push", "debian", "a.test/x"}).out == "a.test/x:latest: sha256:12, nothing new to send\n");
  CHECK(home.run({"image", "push", "debian", "a.test/x", "-q"}).out == "sha256:12\n");
}

TEST_CASE_METHOD(Fixture, "kernel commands call their methods") {
  answer("kernel.list", {{"kernels", {kKernel}}, {"pullable", {"debian-cloud", "other"}}});
  for (auto method : {"kernel.show", "kernel.pull", "kernel.import"}) answer(method, kKernel);
  answer("kernel.delete", {{"name", "debian-cloud"}});
  auto out = home.run({"kernel", "list"}).out;
  CHECK(contains(out, "debian-cloud  6.1"));
  CHECK(contains(out, "not pulled yet: other\n"));
  CHECK(!contains(out, "not pulled yet: debian-cloud"));
  CHECK(home.run({"kernel", "list", "-q"}).out == "debian-cloud\n");
  CHECK(parsed({"kernel", "list", "--json"}) == Json::array({kKernel}));
  CHECK(contains(home.run({"kernel", "show", "debian-cloud"}).out, "release  6.1\n"));
  CHECK(home.run({"kernel", "pull", "debian-cloud", "-q"}).out == "debian-cloud\n");
  CHECK(parsed({"kernel", "import", "k", "--vmlinux", "/boot/v", "--json"}) == kKernel);
  CHECK(home.run({"kernel", "import", "k"}).status == 2);
  CHECK(home.run({"kernel", "delete", "debian-cloud"}).out == "debian-cloud: deleted\n");
}

TEST_CASE_METHOD(Fixture, "image delete and kernel delete: take several names, each with its own call") {
  daemon.answers["image.delete"] = [](const Json& params) -> Result<Json> {
    return Json{{"id", "x"}, {"name", params.at("image")}};
  };
  daemon.answers["kernel.delete"] = [](const Json& params) -> Result<Json> {
    return Json{{"name", params.at("kernel")}};
  };
  CHECK(home.run({"image", "delete", "a", "b"}).status == 0);
  CHECK(home.run({"kernel", "rm", "a", "b"}).status == 0);
  CHECK(daemon.called("image.delete") == 2);
  CHECK(daemon.called("kernel.delete") == 2);
}

TEST_CASE_METHOD(Fixture, "doctor: rows are aligned, have hints, and the status is 1 only when a check fails") {
  Json checks = {{{"name", "kvm"}, {"status", "warn"}, {"detail", "no /dev/kvm"}, {"hint", "enable it"}},
                 {{"name", "disk space"}, {"status", "pass"}, {"detail", "20G"}, {"hint", ""}}};
  answer("host.doctor", {{"checks", checks}});
  auto done = home.run({"doctor"});
  CHECK(done.status == 0);
  CHECK(done.out.starts_with(
      "warn  kvm         no /dev/kvm (hint: enable it)\npass  disk space  20G\npass  ssh-config "));
  auto listed = parsed({"doctor", "--json"});
  REQUIRE(listed.size() == 3);
  CHECK(listed.at(2).at("name") == "ssh-config");
  listed.erase(2);
  CHECK(listed == checks);
  checks[0]["status"] = "fail";
  answer("host.doctor", {{"checks", checks}});
  CHECK(home.run({"doctor"}).status == 1);
}

TEST_CASE("doctor: a daemon that does not start is a failed check") {
  test::Home home;
  auto done = home.run({"doctor"});
  CHECK(done.status == 1);
  CHECK(done.out.starts_with("fail  daemon      the daemon did not start"));
}

TEST_CASE_METHOD(Fixture, "gc: lists what would be removed, or says that there is nothing") {
  answer("host.gc", {{"items", {{{"kind", "directory"}, {"path", "/x"}, {"reason", "no VM"}, {"removed", false}}}}});
  auto done = home.run({"gc", "--dry-run"});
  CHECK(contains(done.out, "directory  /x    no VM   no\n"));
  CHECK(daemon.calls().back() == R"(host.gc {"dry_run":true})");
  answer("host.gc", {{"items", Json::array()}});
  CHECK(home.run({"gc"}).out == "nothing to remove\n");
  CHECK(home.run({"gc", "--json"}).out == "[]\n");
}

TEST_CASE_METHOD(Fixture, "rpc: makes one call after checking the parameters") {
  answer("vm.show", test::vm_object("web"));
  CHECK(parsed({"rpc", "vm.show", R"({"vm": "web"})"}) == test::vm_object("web"));
  CHECK(home.run({"rpc", "vm.show", "{"}).status == 2);
  CHECK(home.run({"rpc", "vm.show", "[1]"}).status == 2);
  CHECK(home.run({"rpc", "no.such"}).status == 125);
}

TEST_CASE_METHOD(Fixture, "rpc: KEY=VALUE has the type of the method's table") {
  answer("vm.fork", Json::object());
  answer("vm.create", Json::object());
  CHECK(home.run({"rpc", "vm.fork", "vm=7", "count=2", "start=false", R"(names=["a", "b"])"}).status == 0);
  CHECK(daemon.calls().back() == R"(vm.fork {"count":2,"names":["a","b"],"start":false,"vm":"7"})");
  CHECK(home.run({"rpc", "vm.create", "name=a=b", "vcpus=many", "zzz=1"}).status == 0);  // the daemon refuses these
  CHECK(daemon.calls().back() == R"(vm.create {"name":"a=b","vcpus":"many","zzz":"1"})");
  CHECK(home.run({"rpc", "vm.fork", "web"}).status == 2);
  CHECK(home.run({"rpc", "vm.fork", "{}", "vm=web"}).status == 2);
}

TEST_CASE_METHOD(Fixture, "rpc: without a method, the methods are listed, and no daemon is asked") {
  auto done = home.run({"rpc"});
  CHECK(done.status == 0);
  CHECK(contains(done.out, "vm.create"));
  CHECK(contains(done.out, "Deletes a kernel"));
  CHECK(home.run({"rpc", "--markdown"}).out.starts_with("# The local RPC\n"));
  CHECK(daemon.calls().empty());
}

const Json& named(const Json& list, const std::string& name) {
  for (const auto& item : list)
    if (item["name"] == name) return item;
  FAIL("nothing has the name " << name);
  return list;
}

TEST_CASE_METHOD(Fixture, "rpc --schema: has every method, with the types, choices and bounds of its parameters") {
  auto schema = parsed({"rpc", "--schema"});
  CHECK(daemon.calls().empty());
  std::size_t methods = 0;
  for (const auto* group : api::groups()) methods += group->methods.size();
  CHECK(schema["methods"].size() == methods);
  const auto& fork = named(schema["methods"], "vm.fork");
  CHECK(fork["result"] == "fork result");
  CHECK(fork["cancellable"] == true);
  const auto& count = named(fork["parameters"], "count");
  CHECK(count["type"] == "integer");
  CHECK(count["least"] == 1);
  CHECK(count["most"] == 64);
  CHECK(count["default"] == "1");
  CHECK(named(fork["parameters"], "vm")["required"] == true);
  CHECK(named(schema["methods"], "vm.exec")["shape"] == "stream");
  CHECK(named(schema["methods"], "daemon.stop")["result"].is_null());
  auto waits = named(named(schema["methods"], "vm.start")["parameters"], "wait")["choices"];
  CHECK(waits == Json::array({"agent", "system"}));
}

TEST_CASE_METHOD(Fixture, "rpc --schema: describes every object that a method or a field refers to") {
  auto schema = parsed({"rpc", "--schema"});
  const auto& objects = schema["objects"];
  for (const auto& method : schema["methods"])
    if (!method["result"].is_null()) named(objects, method["result"]);
  for (const auto& object : objects)
    for (const auto& field : object["fields"])
      if (field.contains("object")) named(objects, field["object"]);
  const auto& vm = named(objects, "VM object")["fields"];
  CHECK(named(vm, "pid")["missing"] == "null");
  CHECK(named(vm, "config")["object"] == "run config object");
  CHECK(named(vm, "config")["missing"] == "absent");
  CHECK(named(vm, "metrics")["type"] == "counts");
  CHECK(schema["errors"].size() == 12);
  CHECK(schema["errors"].back() == "internal");
  CHECK(schema["limits"]["frame_bytes"] == 65536);
}

TEST_CASE_METHOD(Fixture, "daemon status: shows the daemon's state") {
  answer("daemon.status", {{"version", BANGER_VERSION},
                           {"pid", 42},
                           {"started_at", 1},
                           {"vms_running", 2},
                           {"resident_bytes", 1 << 20},
                           {"recovered", {"adopted web"}},
                           {"socket", "s"},
                           {"log", "l"},
                           {"state", "d"}});
  auto out = home.run({"daemon", "status"}).out;
  CHECK(contains(out, "pid          42\n"));
  CHECK(contains(out, "recovered    adopted web\n"));
  CHECK(parsed({"daemon", "status", "--json"}).at("vms_running") == 2);
  CHECK(home.run({"daemon", "start"}).out == "bangerd is running (pid 42)\n");
}

TEST_CASE_METHOD(Fixture, "version: shows banger's version, and the version of a running daemon") {
  CHECK(home.run({"version"}).out == "banger " BANGER_VERSION "\nbangerd " BANGER_VERSION "\n");
  CHECK(parsed({"version", "--json"}) == Json{{"version", BANGER_VERSION}, {"daemon", BANGER_VERSION}});
  test::Home alone;
  CHECK(alone.run({"version"}).out == "banger " BANGER_VERSION "\n");
}

TEST_CASE("log filter: text and colours pass, other escape sequences do not") {
  TerminalFilter filter;
  CHECK(filter.feed("a\tb\r\n\033[1;31mred\033[0m") == "a\tb\r\n\033[1;31mred\033[0m");
  CHECK(filter.feed("\033[2J\033[10;10Hx\033]0;title\007y\033]52;c;AAAA\033\\z\007\b\177") == "xyz");
  CHECK(filter.feed("\033[3") == "");
  CHECK(filter.feed("2mgreen") == "\033[32mgreen");
  CHECK(filter.feed("é\xc2\x9b"
                    "31mq") == "é31mq");
  CHECK(filter.feed("\033[?25l\033(Bk") == "k");
  CHECK(filter.feed("\033[" + std::string(100, '1') + "mx") == "x");
}
