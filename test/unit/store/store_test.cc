// The store with a real SQLite file: rows, numbers, names, the journal, migrations, and the state after a kill.
#include "store/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "catch.h"
#include "host/files.h"
#include "store/bounds.h"
#include "store/migrations.h"
#include "support/sync_watch.h"
#include "support/temp_dir.h"

using namespace banger;
using store::JournalEntry;
using store::Store;
using store::VmRow;

namespace {

struct TempDir : test::TempDir {
  std::string db() const { return *this / "banger.db"; }
};

VmRow a_vm(std::string id, std::string name) {
  VmRow row;
  row.id = std::move(id);
  row.name = std::move(name);
  row.state = "creating";
  row.spec = "{}";
  row.created_at = 1;
  return row;
}

void exec_sql(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  REQUIRE(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

}  // namespace

TEST_CASE("store: a VM reads back as it was written, after reopening") {
  TempDir dir;
  VmRow row = a_vm("aaaaaaaaaaaa", "web");
  row.machine = R"({"driver":"qemu"})";
  row.link_token = "00ff";
  row.started_at = 77;
  row.booted = true;
  row.last_error = "it broke";
  row.stages = "[1]";
  row.purpose = store::Purpose::pool;
  row.save_id = "bbbbbbbbbbbb";
  row.started_from = store::StartedFrom::clone;
  row.ephemeral = true;
  row.ended = "killed";
  row.ended_at = 88;
  {
    auto opened = Store::open(dir.db());
    REQUIRE(opened);
    REQUIRE((*opened)->insert_vm(row, {}) == 1u);
  }
  auto reopened = Store::open(dir.db());
  REQUIRE(reopened);
  auto rows = (*reopened)->vms();
  REQUIRE(rows->size() == 1);
  const VmRow& got = rows->front();
  CHECK(got.id == row.id);
  CHECK(got.name == "web");
  CHECK(got.number == 1);
  CHECK(got.machine == row.machine);
  CHECK(got.link_token == "00ff");
  CHECK(got.started_at == 77);
  CHECK(got.booted);
  CHECK(got.last_error == "it broke");
  CHECK(got.ended == "killed");
  CHECK(got.ended_at == 88);
  CHECK(got.stages == "[1]");
  CHECK(got.purpose == store::Purpose::pool);
  CHECK(got.save_id == "bbbbbbbbbbbb");
  CHECK(got.started_from == store::StartedFrom::clone);
}

TEST_CASE("store: a saved state reads back as written, changes, and is deleted; snapshots' names are unique") {
  TempDir dir;
  store::SaveRow row{.id = "s1",
                     .kind = store::SaveKind::snapshot,
                     .key = "k",
                     .name = "good",
                     .vm_id = "v",
                     .vm_name = "web",
                     .spec = "{}",
                     .image_id = "i",
                     .kernel = "debian",
                     .machine = "qemu",
                     .build_key = "b",
                     .link_token = "00",
                     .files = "{}",
                     .created_at = 5,
                     .used_at = 6};
  {
    auto opened = Store::open(dir.db());
    REQUIRE(opened);
    REQUIRE((*opened)->insert_save(row));
    row.ready = true;
    row.files = R"({"a":1})";
    REQUIRE((*opened)->update_save(row));
    auto again = row;
    again.id = "s2";
    CHECK((*opened)->insert_save(again).error().code == ErrorCode::exists);
    again.name = "";
    REQUIRE((*opened)->insert_save(again));
    again.id = "s3";
    REQUIRE((*opened)->insert_save(again));  // empty names need not differ
  }
  auto reopened = Store::open(dir.db());
  REQUIRE(reopened);
  auto saves = (*reopened)->saves();
  REQUIRE(saves->size() == 3);
  const auto& got = saves->front();
  CHECK(got.id == "s1");
  CHECK(got.ready);
  CHECK(got.has_memory());
  CHECK(got.files == row.files);
  CHECK(got.vm_name == "web");
  CHECK(got.build_key == "b");
  CHECK(got.created_at == 5);
  CHECK(got.used_at == 6);
  REQUIRE((*reopened)->delete_save("s1"));
  CHECK((*reopened)->saves()->size() == 2);
}

TEST_CASE("store: a saved state of any older version has memory when it names the machine that was saved") {
  for (int from = 2; from <= store::schema_version(); ++from) {
    TempDir dir;
    exec_sql(dir.db(), "PRAGMA journal_mode = WAL");
    for (int step = 0; step < from; ++step) exec_sql(dir.db(), std::string(store::migrations()[step]));
    exec_sql(dir.db(), "PRAGMA user_version = " + std::to_string(from));
    exec_sql(dir.db(),
             "INSERT INTO saves (id, kind, spec, image_id, kernel, machine, created_at) VALUES "
             "('disks', 'snapshot', '{}', 'i', 'k', '', 1), ('memory', 'snapshot', '{}', 'i', 'k', 'qemu 7.2.22', 2)");
    auto opened = Store::open(dir.db());
    REQUIRE(opened);
    auto saves = (*opened)->saves();
    REQUIRE(saves->size() == 2);
    CHECK_FALSE(saves->front().has_memory());
    CHECK(saves->back().has_memory());
  }
}

TEST_CASE("store: columns hold the words of old databases, and an unknown word is corrupt by name") {
  TempDir dir;
  auto opened = Store::open(dir.db());
  REQUIRE(opened);
  REQUIRE((*opened)->insert_vm(a_vm("a", "web"), {}));
  REQUIRE((*opened)->insert_save({.id = "s", .spec = "{}"}));
  CHECK((*opened)->vms()->front().started_from == std::nullopt);
  for (auto [purpose, text] : store::kPurposeWords) {
    exec_sql(dir.db(), fmt::format("UPDATE vms SET purpose = '{}'", text));
    CHECK((*opened)->vms()->front().purpose == purpose);
  }
  for (auto [from, text] : store::kStartedFromWords) {
    exec_sql(dir.db(), fmt::format("UPDATE vms SET way = '{}'", text));
    CHECK((*opened)->vms()->front().started_from == from);
  }
  for (auto [kind, text] : store::kSaveKindWords) {
    exec_sql(dir.db(), fmt::format("UPDATE saves SET kind = '{}'", text));
    CHECK((*opened)->saves()->front().kind == kind);
  }
  exec_sql(dir.db(), "UPDATE vms SET purpose = 'borrowed'; UPDATE saves SET kind = 'copy'");
  auto vms = (*opened)->vms();
  REQUIRE(!vms);
  CHECK(vms.error().code == ErrorCode::corrupt);
  CHECK(vms.error().message == "vm 'web': column 'purpose' holds 'borrowed', which this version does not know");
  CHECK((*opened)->saves().error().code == ErrorCode::corrupt);
}

TEST_CASE("store: numbers are small, unique and reused after a delete") {
  TempDir dir;
  auto opened = Store::open(dir.db());
  Store& store = **opened;
  CHECK(store.insert_vm(a_vm("a", "a"), {}) == 1u);
  CHECK(store.insert_vm(a_vm("b", "b"), {}) == 2u);
  CHECK(store.insert_vm(a_vm("c", "c"), {}) == 3u);
  REQUIRE(store.delete_vm("b"));
  CHECK(store.insert_vm(a_vm("d", "d"), {}) == 2u);
  CHECK(store.insert_vm(a_vm("e", "e"), {}) == 4u);
}

TEST_CASE("store: a taken name is refused on insert and on rename") {
  TempDir dir;
  auto opened = Store::open(dir.db());
  Store& store = **opened;
  REQUIRE(store.insert_vm(a_vm("a", "web"), {}));
  auto again = store.insert_vm(a_vm("b", "web"), {{0, "b", "directory", "/x"}});
  REQUIRE(!again);
  CHECK(again.error().code == ErrorCode::exists);
  CHECK(again.error().message.find("'web'") != std::string::npos);
  CHECK(store.journal()->empty());  // the refused insert added nothing
  REQUIRE(store.insert_vm(a_vm("b", "db"), {}));
  auto renamed = a_vm("b", "web");
  CHECK(store.update_vm(renamed).error().code == ErrorCode::exists);
}

TEST_CASE("store: deleting a VM deletes its journal entries, and no others") {
  TempDir dir;
  auto opened = Store::open(dir.db());
  Store& store = **opened;
  REQUIRE(store.insert_vm(a_vm("a", "a"), {{0, "a", "directory", "/vms/a"}}));
  REQUIRE(store.insert_vm(a_vm("b", "b"), {{0, "b", "directory", "/vms/b"}}));
  REQUIRE(store.add_journal({0, "a", "process", "token"}));
  REQUIRE(store.add_journal({0, "a", "process", "token"}));  // a second time changes nothing
  CHECK(store.journal()->size() == 3);
  REQUIRE(store.remove_journal("a", "process", "token"));
  CHECK(store.journal()->size() == 2);
  REQUIRE(store.delete_vm("a"));
  REQUIRE(store.journal()->size() == 1);
  CHECK(store.journal()->front().owner == "b");
}

TEST_CASE("store: a lease is recorded with its tap, goes with the VM, and an address has one VM") {
  TempDir dir;
  {
    auto opened = Store::open(dir.db());
    Store& store = **opened;
    REQUIRE(store.insert_vm(a_vm("a", "a"), {}));
    REQUIRE(store.insert_vm(a_vm("b", "b"), {}));
    REQUIRE(store.add_journal({0, std::string(store::kBridgeOwner), "tap", "3"}));
    REQUIRE(store.record_lease({"a", 0xac100002}, "3"));
    CHECK(store.record_lease({"b", 0xac100002}, "4").error().code == ErrorCode::exists);
    REQUIRE(store.journal()->size() == 1);  // the refused one added nothing
    CHECK(store.journal()->front().owner == "a");
    REQUIRE(store.record_lease({"b", 0xac100003}, "4"));
    REQUIRE(store.record_lease({"b", 0xffffffff}, "4"));  // a new range: another address
  }
  auto reopened = Store::open(dir.db());
  auto leases = (*reopened)->leases();
  REQUIRE(leases->size() == 2);
  CHECK(leases->front().vm_id == "a");
  CHECK(leases->front().address == 0xac100002u);
  CHECK(leases->back().address == 0xffffffffu);
  REQUIRE((*reopened)->delete_vm("a"));
  CHECK((*reopened)->leases()->size() == 1);
  CHECK((*reopened)->journal()->size() == 1);
}

TEST_CASE("store: facts are kept and replaced") {
  TempDir dir;
  auto opened = Store::open(dir.db());
  Store& store = **opened;
  CHECK(*store.fact("kvm") == std::nullopt);
  REQUIRE(store.set_fact("kvm", "no"));
  REQUIRE(store.set_fact("kvm", "yes"));
  CHECK(**store.fact("kvm") == "yes");
}

TEST_CASE("store: the file is private whatever the umask") {
  TempDir dir;
  mode_t old = ::umask(0);
  auto opened = Store::open(dir.db());
  REQUIRE((*opened)->set_fact("a", "b"));
  ::umask(old);
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat info{};
    REQUIRE(::stat((dir.db() + suffix).c_str(), &info) == 0);
    CHECK((info.st_mode & 077) == 0);
  }
}

TEST_CASE("store: a database of a newer version is refused untouched, with a way out") {
  TempDir dir;
  {
    REQUIRE(Store::open(dir.db()));
  }
  exec_sql(dir.db(), "PRAGMA user_version = 99");
  auto opened = Store::open(dir.db());
  REQUIRE(!opened);
  CHECK(opened.error().code == ErrorCode::unsupported);
  CHECK(!opened.error().hint.empty());
}

TEST_CASE("store: a file that is not a database is corrupt, and stays unchanged") {
  TempDir dir;
  {
    FILE* f = ::fopen(dir.db().c_str(), "w");
    for (int i = 0; i < 500; ++i) ::fputs("not a database ", f);
    ::fclose(f);
  }
  auto size = std::filesystem::file_size(dir.db());
  auto opened = Store::open(dir.db());
  REQUIRE(!opened);
  CHECK(opened.error().code == ErrorCode::corrupt);
  CHECK(std::filesystem::file_size(dir.db()) == size);
}

TEST_CASE("store: every older schema version migrates to the newest") {
  for (int from = 0; from <= store::schema_version(); ++from) {
    TempDir dir;
    exec_sql(dir.db(), "PRAGMA journal_mode = WAL");
    for (int step = 0; step < from; ++step) exec_sql(dir.db(), std::string(store::migrations()[step]));
    exec_sql(dir.db(), "PRAGMA user_version = " + std::to_string(from));
    auto opened = Store::open(dir.db());
    REQUIRE(opened);
    CHECK((*opened)->insert_vm(a_vm("a", "a"), {}) == 1u);
  }
}

TEST_CASE("store: committed rows survive kill -9, and a half-written transaction is gone") {
  TempDir dir;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  pid_t child = ::fork();
  if (child == 0) {
    auto opened = Store::open(dir.db());
    if (!opened) ::_exit(1);
    for (int i = 0; i < 1000; ++i) {
      std::string id = "vm" + std::to_string(i);
      if (!(*opened)->insert_vm(a_vm(id, id), {{0, id, "directory", "/vms/" + id}})) ::_exit(1);
      if (i == 20) (void)!::write(ready[1], "x", 1);
    }
    ::pause();
    ::_exit(0);
  }
  char byte;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  auto opened = Store::open(dir.db());
  REQUIRE(opened);
  auto rows = (*opened)->vms();
  CHECK(rows->size() >= 21);
  CHECK((*opened)->journal()->size() == rows->size());  // row and journal entry are one transaction
}

namespace {

// A file system of 2 MiB in memory, which ends with the process. Needs root or user namespaces.
bool mount_small(const std::string& where) {
  if (::unshare(CLONE_NEWNS) < 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) return false;
  (void)::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  return ::mount("small", where.c_str(), "tmpfs", 0, "size=2m") == 0;
}

void fill(const std::string& path) {
  auto file = host::open_file(path, O_WRONLY | O_CREAT | O_APPEND);
  for (std::size_t size : {4096u, 1u})
    while (::write(file->get(), std::string(size, 'x').data(), size) > 0) {
    }
}

// The exit code: 0 is success, 77 means that nothing could be mounted, and any other number names the failed step.
int use_full_disk(const std::string& where) {
  if (!mount_small(where)) return 77;
  auto path = where + "/banger.db";
  {
    auto opened = Store::open(path);
    if (!opened || !(*opened)->insert_vm(a_vm("a", "web"), {{0, "a", "process", "t"}})) return 1;
  }
  // So small a disk has no reserve by itself.
  {
    auto room = host::open_file(path + "-reserve", O_WRONLY | O_CREAT);
    if (!room || ::fallocate(room->get(), 0, 0, 512 * 1024) < 0) return 2;
  }
  fill(where + "/ballast");
  auto opened = Store::open(path);
  if (!opened) {
    fmt::print(stderr, "{}\n", opened.error().sentence());
    return 3;
  }
  auto row = (*opened)->vms()->front();
  for (const char* state : {"stopping", "stopped", "deleting"}) {
    row.state = state;
    if (!(*opened)->update_vm(row)) return 4;
  }
  if (!(*opened)->remove_journal("a", "process", "t") || !(*opened)->delete_vm("a")) return 5;
  if (::access((path + "-reserve").c_str(), F_OK) == 0) return 6;
  // Without a reserve the error says what to do.
  fill(where + "/ballast");
  row.spec = std::string(1 << 20, 'x');
  auto failed = (*opened)->insert_vm(row, {});
  if (failed || failed.error().code != ErrorCode::exhausted || failed.error().hint.empty()) return 7;
  if (!(*opened)->vms() || !(*opened)->vms()->empty()) return 8;
  ::unlink((where + "/ballast").c_str());
  return (*opened)->insert_vm(a_vm("b", "db"), {}) ? 0 : 9;
}

}  // namespace

TEST_CASE("store: on a full disk the reserve is enough to open the store, and to stop and delete VMs") {
  TempDir dir;
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(use_full_disk(dir / ""));
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77)
    WARN("skipped, this process may not mount a file system");
  else
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("store: the reserve is made while there is room, and made again after a full disk") {
  TempDir dir;
  auto path = dir.db() + "-reserve";
  auto opened = Store::open(dir.db());
  REQUIRE(opened);
  auto free = host::free_space(dir / "");
  REQUIRE(free);
  if (*free < limits::kReserveFloorBytes) return;
  CHECK(host::disk_usage(path) >= limits::kReserveBytes);
  REQUIRE(::unlink(path.c_str()) == 0);
  (*opened)->keep_reserve();
  CHECK(host::disk_usage(path) >= limits::kReserveBytes);
}

TEST_CASE("store: only a durable change waits for the disk") {
  int syncs = 0;
  test::SyncWatch watch([&] { ++syncs; });
  TempDir dir;
  auto store = *Store::open(dir.db());
  auto row = a_vm("aaaaaaaaaaaa", "web");
  syncs = 0;
  REQUIRE(store->insert_vm(row, {}));
  CHECK(syncs == 1);
  row.state = "starting";
  REQUIRE(store->update_vm(row, Durable::no));
  REQUIRE(store->add_journal({0, row.id, "process", "t"}, Durable::no));
  REQUIRE(store->remove_journal(row.id, "process", "t", Durable::no));
  CHECK(syncs == 1);
  row.state = "running";
  REQUIRE(store->update_vm(row));
  CHECK(syncs == 2);
  CHECK(store->vms()->at(0).state == "running");
}
