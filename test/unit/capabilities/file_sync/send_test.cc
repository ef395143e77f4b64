// A sync over a link to an agent that unpacks into a directory of this host.
#include "capabilities/file_sync/send.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "capabilities/file_sync/pack.h"
#include "catch.h"
#include "host/files.h"
#include "support/run.h"
#include "support/temp_dir.h"
#include "tar/tar.h"

using namespace banger;
using namespace banger::capabilities;
namespace fs = std::filesystem;

namespace {

const std::string kToken = "0123456789abcdef";
using Lines = std::vector<std::string>;

Task<> serve(std::shared_ptr<link::Server> server) { (void)co_await server->serve(); }

struct Guest : test::TempDir {
  enum class Way { unpack, refuse, ignore } way = Way::unpack;
  host::Runtime runtime{1};
  std::shared_ptr<link::Client> client;
  std::vector<std::shared_ptr<link::ServerStream>> ignored;
  std::vector<config::FileSync> entries;
  bool given_up = false;

  Guest() {
    ::signal(SIGPIPE, SIG_IGN);
    for (auto name : {"home", "root", "work"}) fs::create_directories(*this / name);
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    UniqueFd ours(ends[0]), theirs(ends[1]);
    auto answer = [this](std::shared_ptr<link::ServerStream> stream) { return receive(std::move(stream)); };
    std::shared_ptr<link::Server> server =
        link::make_server(runtime, std::move(theirs), kToken, answer, link::AtEnd::stop);
    runtime.spawn(serve(std::move(server)));
    auto deadline = host::after(std::chrono::minutes(1));
    client = test::run(runtime, link::connect(runtime, std::move(ours), kToken, deadline)).value();
  }

  Task<> receive(std::shared_ptr<link::ServerStream> stream) {
    if (way == Way::ignore) co_return ignored.push_back(std::move(stream));
    auto body = co_await stream->body(100 << 20);
    if (way == Way::refuse) {
      (void)co_await stream->reply_error({ErrorCode::exhausted, "the disk is full"});
      co_return;
    }
    Json left_out = Json::array();
    tar::UnpackOptions options{.only = stream->query("only").value(), .left_out = [&](auto path, auto reason) {
                                 left_out.push_back({{"path", path}, {"reason", reason}});
                               }};
    UniqueFd tar(::memfd_create("tar", MFD_CLOEXEC));
    (void)host::write_all(tar.get(), *body);
    ::lseek(tar.get(), 0, SEEK_SET);
    auto unpacked = tar::unpack_tree(tar.get(), *this / "root", options);
    if (unpacked)
      (void)co_await stream->reply_json(200, dump_json({{"ok", true}, {"left_out", left_out}}));
    else
      (void)co_await stream->reply_error(unpacked.error());
  }

  Result<FileSyncReport> sync() {
    return test::run(runtime, sync_files({.runtime = runtime,
                                          .client = *client,
                                          .files = {.entries = entries, .home = *this / "home"},
                                          .directory = *this / "work",
                                          .given_up = [this] { return given_up; }}));
  }
  mode_t mode_of(const std::string& name) const {
    struct stat info{};
    REQUIRE(::lstat((*this / ("root/" + name)).c_str(), &info) == 0);
    return info.st_mode & 07777;
  }
};

}  // namespace

TEST_CASE("sync: files arrive with their modes, and directories around them are made") {
  Guest guest;
  guest.put("home/token", "secret");
  guest.put("home/.vim/a/b", "b");
  REQUIRE(::chmod((guest / "home/.vim/a/b").c_str(), 0755) == 0);
  REQUIRE(::chmod((guest / "home/.vim/a").c_str(), 0711) == 0);
  guest.entries = {{.host = "~/token", .guest = "x/.config/ci/token", .mode = {}},
                   {.host = "~/token", .guest = "public", .mode = 0644},
                   {.host = "~/.vim", .guest = ".vim", .mode = {}}};
  auto report = guest.sync();
  REQUIRE(report);
  CHECK(report->files == 3);
  CHECK(report->bytes == 13);
  CHECK(report->warnings.empty());
  CHECK(guest.get("root/x/.config/ci/token") == "secret");
  CHECK(guest.mode_of("x") == 0755);
  CHECK(guest.mode_of("x/.config") == 0700);
  CHECK(guest.mode_of("x/.config/ci") == 0700);
  CHECK(guest.mode_of("x/.config/ci/token") == 0600);
  CHECK(guest.mode_of("public") == 0644);
  CHECK(guest.mode_of(".vim/a") == 0711);
  CHECK(guest.mode_of(".vim/a/b") == 0755);
  CHECK(fs::is_empty(guest / "work"));
}

TEST_CASE("sync: a second one replaces files, and removes nothing") {
  Guest guest;
  guest.put("home/d/a", "new");
  guest.put("root/d/a", "old");
  guest.put("root/d/mine", "kept");
  REQUIRE(::chmod((guest / "root/d/a").c_str(), 0666) == 0);
  REQUIRE(::chmod((guest / "home/d/a").c_str(), 0640) == 0);
  guest.entries = {{.host = "~/d", .guest = "d", .mode = {}}};
  CHECK(guest.sync()->files == 1);
  CHECK(guest.get("root/d/a") == "new");
  CHECK(guest.get("root/d/mine") == "kept");
  CHECK(guest.mode_of("d/a") == 0640);
}

TEST_CASE("sync: what is in the way in the guest is a warning, and the other files arrive") {
  Guest guest;
  guest.put("home/d/a", "a");
  guest.put("home/d/b", "b");
  guest.put("home/c", "c");
  fs::create_directories(guest / "root/d/a");
  fs::create_directories(guest / "root/c");
  fs::create_directory_symlink("/nowhere", guest / "root/link");
  guest.entries = {{.host = "~/c", .guest = "c", .mode = {}},
                   {.host = "~/c", .guest = "link/c", .mode = {}},
                   {.host = "~/d", .guest = "d", .mode = {}}};
  auto report = guest.sync();
  REQUIRE(report);
  CHECK(report->files == 1);
  CHECK(guest.get("root/d/b") == "b");
  auto text = join(report->warnings, "\n");
  INFO(text);
  CHECK(report->warnings.size() == 3);
  CHECK_THAT(text, Catch::Contains("~/c is skipped") && Catch::Contains("~/d/a of the guest stays"));
  CHECK_FALSE(fs::exists("/nowhere"));
}

TEST_CASE("sync: an entry that is missing or too large does not hold up the next") {
  Guest guest;
  guest.put("home/a", "a");
  fs::create_directories(guest / "home/huge");
  std::ofstream(guest / "home/huge/file");
  fs::resize_file(guest / "home/huge/file", limits::kSyncBytes + 1);
  guest.entries = {{.host = "~/gone", .guest = "g", .mode = {}},
                   {.host = "~/huge", .guest = "h", .mode = {}},
                   {.host = "~/a", .guest = "a", .mode = {}}};
  auto report = guest.sync();
  REQUIRE(report);
  CHECK(report->files == 1);
  CHECK(report->warnings == Lines{guest / "home/gone is skipped: there is no such file or directory",
                                  "~/huge is skipped: a guest gets at most 1G"});
  CHECK_FALSE(fs::exists(guest / "root/h"));
}

TEST_CASE("sync: a guest that refuses the files is a warning with its reason") {
  Guest guest;
  guest.put("home/a", "a");
  guest.entries = {{.host = "~/a", .guest = "a", .mode = {}}};
  guest.way = Guest::Way::refuse;
  CHECK(guest.sync()->warnings == Lines{"~/a is skipped: the disk is full"});
}

TEST_CASE("sync: a guest that takes no bytes holds up nobody who gives up") {
  Guest guest;
  guest.put("home/a", std::string(8 << 20, 'x'));
  guest.entries = {{.host = "~/a", .guest = "a", .mode = {}}};
  guest.way = Guest::Way::ignore;
  auto give_up = [](Guest* g) -> Task<> {
    while (g->ignored.empty()) co_await g->runtime.sleep_for(std::chrono::milliseconds(1));
    g->given_up = true;
  };
  guest.runtime.spawn(give_up(&guest));
  CHECK(guest.sync().error().code == ErrorCode::cancelled);
  CHECK(fs::is_empty(guest / "work"));
}

TEST_CASE("sync: the plan names what would travel, and sends nothing") {
  Guest guest;
  guest.put("home/d/a", "abc");
  guest.entries = {{.host = "~/d", .guest = "x/d", .mode = {}}, {.host = "~/gone", .guest = "g", .mode = {}}};
  auto plan = plan_sync({.entries = guest.entries, .home = guest / "home"});
  REQUIRE(plan.objects.size() == 2);
  CHECK(plan.objects[0].directory);
  CHECK(plan.objects[1].path == "x/d/a");
  CHECK(plan.objects[1].bytes == 3);
  CHECK(plan.warnings.size() == 1);
  CHECK(fs::is_empty(guest / "root"));
}

TEST_CASE("sync: a directory on the way is private from the first hidden name on") {
  CHECK(parent_mode("a") == 0755);
  CHECK(parent_mode("a/b.c") == 0755);
  CHECK(parent_mode(".a") == 0700);
  CHECK(parent_mode("a/.b/c") == 0700);
}
