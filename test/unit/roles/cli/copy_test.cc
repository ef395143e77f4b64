#include "roles/cli/copy.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "helpers.h"
#include "host/files.h"
#include "tar/tar.h"

using namespace banger;
using namespace banger::roles::cli;
namespace fs = std::filesystem;

namespace {

CopyPath path(std::string_view text) {
  auto parsed = parse_copy_path(text);
  REQUIRE(parsed);
  return *parsed;
}

// A guest whose file system is a directory: /x in it is ROOT/x.
struct Guest {
  test::Home home;
  test::TempDir root, local;
  test::FakeDaemon daemon{home};

  Guest() {
    daemon.answers["vm.stat_file"] = [this](const Json& params) -> Result<Json> {
      struct stat info{};
      if (::lstat(in_root(params).c_str(), &info) < 0)
        return Json{{"exists", false}, {"type", nullptr}, {"mode", nullptr}};
      return Json{{"exists", true},
                  {"type", S_ISDIR(info.st_mode)   ? "directory"
                           : S_ISLNK(info.st_mode) ? "symlink"
                                                   : "file"},
                  {"mode", info.st_mode & 07777}};
    };
    daemon.answers["vm.put_files"] = [](const Json&) -> Result<Json> { return Json::object(); };
    daemon.streams["vm.put_files"] = [this](int socket, const Json& params) {
      auto unpacked = tar::unpack_tree(socket, in_root(params), {});
      auto verdict =
          unpacked
              ? Json{{"ok", true}}
              : Json{{"error", {{"code", to_string(unpacked.error().code)}, {"message", unpacked.error().message}}}};
      (void)host::write_all(socket, dump_json(verdict) + "\n");
    };
    daemon.answers["vm.get_files"] = [](const Json&) -> Result<Json> {
      return Json{{"type", "file"}, {"name", "web"}};
    };
    daemon.streams["vm.get_files"] = [this](int socket, const Json& params) {
      auto from = in_root(params);
      (void)tar::pack_tree(from, sent_name.empty() ? fs::path(from).filename().string() : sent_name, socket);
    };
    fs::create_directories(root.path() + "/root");
  }
  std::string in_root(const Json& params) const { return root.path() + params.at("path").get<std::string>(); }
  test::Outcome cp(const std::vector<std::string>& words) {
    std::vector<std::string> line{"vm", "cp"};
    line.insert(line.end(), words.begin(), words.end());
    return home.run(line);
  }
  std::string here(const std::string& name) const { return local.path() + "/" + name; }
  std::string there(const std::string& name) const { return root.path() + name; }
  std::string sent_name;
};

void put(const std::string& file, std::string_view content, mode_t mode = 0644) {
  fs::create_directories(fs::path(file).parent_path());
  REQUIRE(host::write_file(file, content, mode));
}
std::string get(const std::string& file) { return host::read_file(file, 1 << 20).value_or("(missing)"); }

}  // namespace

TEST_CASE("cp: a VM stands before the first colon unless a slash does") {
  CHECK(path("web:/etc/hosts").vm == "web");
  CHECK(path("web:/etc/hosts").path == "/etc/hosts");
  CHECK(path("web:notes").path == "/root/notes");
  CHECK(path("web:").path == "/root");
  CHECK(path("./a:b").vm.empty());
  CHECK(path("/a:b").vm.empty());
  CHECK(path(":x").vm.empty());
  CHECK(path("dir/.").contents);
  CHECK(path("dir/.").path == "dir");
  CHECK(path("dir///").path == "dir");
  CHECK(path("dir/").directory);
  CHECK(!path("dir").directory);
  CHECK(path("web:/").path == "/");
  CHECK(!parse_copy_path(""));
}

TEST_CASE("cp: lands like cp -r does") {
  auto land = [](std::string_view source, Found is, std::string_view target, Found there, bool several = false) {
    auto landing = landing_of(path(source), is, path(target), there, several);
    return landing ? landing->directory + " | " + landing->name : landing.error().message;
  };
  CHECK(land("a.txt", Found::file, "web:/root/", Found::directory) == "/root | a.txt");
  CHECK(land("a.txt", Found::file, "web:/root/b.txt", Found::nothing) == "/root | b.txt");
  CHECK(land("a.txt", Found::file, "web:/root/b.txt", Found::file) == "/root | b.txt");
  CHECK(land("dir", Found::directory, "web:/srv", Found::directory) == "/srv | dir");
  CHECK(land("dir", Found::directory, "web:/srv/new", Found::nothing) == "/srv | new");
  CHECK(land("dir/.", Found::directory, "web:/srv", Found::directory) == "/ | srv");
  CHECK(land("dir/.", Found::directory, "web:/srv/new/", Found::nothing) == "/srv | new");
  CHECK(land("a.txt", Found::file, "web:/no/", Found::nothing) == "web:/no: there is no such directory");
  CHECK(land("dir", Found::directory, "web:/file", Found::file) ==
        "cannot copy the directory dir onto the file web:/file");
  CHECK(land("a.txt/", Found::file, "web:/x", Found::nothing) == "a.txt is not a directory");
  CHECK(land("gone", Found::nothing, "web:/x", Found::nothing) == "gone: there is no such file or directory");
  CHECK(land("a", Found::file, "web:/x", Found::file, true).find("several") != std::string::npos);
}

TEST_CASE("cp: a tree goes in and comes back with modes, symlinks and odd names") {
  Guest guest;
  put(guest.here("tree/run.sh"), "#!/bin/sh\n", 0755);
  put(guest.here("tree/sub/with space\n"), std::string(300'000, 'z'), 0600);
  fs::create_symlink("../run.sh", guest.here("tree/sub/link"));
  fs::create_directory(guest.here("tree/empty"));
  auto in = guest.cp({guest.here("tree"), "web:"});
  INFO(in.err);
  REQUIRE(in.status == 0);
  CHECK(get(guest.there("/root/tree/run.sh")) == "#!/bin/sh\n");
  auto out = guest.cp({"web:/root/tree", guest.here("back")});
  INFO(out.err);
  REQUIRE(out.status == 0);
  CHECK(get(guest.here("back/sub/with space\n")) == std::string(300'000, 'z'));
  CHECK(fs::read_symlink(guest.here("back/sub/link")) == "../run.sh");
  CHECK(fs::is_directory(guest.here("back/empty")));
  CHECK((fs::status(guest.here("back/run.sh")).permissions() & fs::perms::mask) == fs::perms(0755));
  CHECK((fs::status(guest.here("back/sub/with space\n")).permissions() & fs::perms::mask) == fs::perms(0600));
}

TEST_CASE("cp: renames, replaces, merges into a directory, and leaves nothing temporary") {
  Guest guest;
  put(guest.here("a.txt"), "new");
  put(guest.there("/root/b.txt"), "old");
  CHECK(guest.cp({guest.here("a.txt"), "web:b.txt"}).status == 0);
  CHECK(get(guest.there("/root/b.txt")) == "new");
  put(guest.there("/root/d/one"), "1");
  put(guest.here("d/one"), "was");
  put(guest.here("d/two"), "2");
  CHECK(guest.cp({"web:d", guest.local.path()}).status == 0);
  CHECK(get(guest.here("d/one")) == "1");
  CHECK(get(guest.here("d/two")) == "2");
  CHECK(guest.cp({"web:d/.", guest.here("d2")}).status == 0);
  CHECK(get(guest.here("d2/one")) == "1");
  CHECK(guest.cp({guest.here("a.txt"), guest.here("d/two"), "web:/root/d"}).status == 0);
  CHECK(get(guest.there("/root/d/two")) == "2");
  for (const auto& entry : fs::recursive_directory_iterator(guest.local.path()))
    CHECK(entry.path().filename().string().find("banger-cp") == std::string::npos);
}

TEST_CASE("cp: between VMs through a directory of ours that goes again") {
  Guest guest;
  put(guest.there("/root/x/file"), "content");
  auto done = guest.cp({"web:x", "db:/root/y"});
  INFO(done.err);
  CHECK(done.status == 0);
  CHECK(get(guest.there("/root/y/file")) == "content");
  CHECK(fs::is_empty(guest.home.path() + "/.cache/banger"));
}

TEST_CASE("cp: a guest that sends another name than the one asked for writes nothing here") {
  Guest guest;
  put(guest.there("/root/x"), "evil");
  guest.sent_name = ".bashrc";
  auto done = guest.cp({"web:x", guest.local.path()});
  CHECK(done.status == 125);
  CHECK(done.err.find("did not send") != std::string::npos);
  CHECK(fs::is_empty(guest.local.path()));
}

TEST_CASE("cp: the daemon's refusal is what is said") {
  Guest guest;
  put(guest.here("big"), std::string(8 << 20, 'b'));
  guest.daemon.streams["vm.put_files"] = [](int socket, const Json&) {
    (void)host::write_all(socket, R"({"error": {"code": "exhausted", "message": "the guest's disk is full"}})"
                                  "\n");
    ::shutdown(socket, SHUT_RD);
  };
  auto done = guest.cp({guest.here("big"), "web:"});
  CHECK(done.status == 125);
  CHECK(done.err.find("the guest's disk is full") != std::string::npos);
}

TEST_CASE("cp: one side must be in a guest, and a missing source is named") {
  Guest guest;
  CHECK(guest.cp({guest.here("a"), guest.here("b")}).status == 2);
  auto done = guest.cp({guest.here("none"), "web:"});
  CHECK(done.status == 125);
  CHECK(done.err.find("none: there is no such file or directory") != std::string::npos);
  CHECK(guest.cp({"web:/", guest.here("x")}).status == 125);
}

TEST_CASE("cp: a read-only directory can be brought back") {
  Guest guest;
  put(guest.there("/root/ro/file"), "x");
  ::chmod(guest.there("/root/ro").c_str(), 0555);
  CHECK(guest.cp({"web:ro", guest.local.path()}).status == 0);
  CHECK(get(guest.here("ro/file")) == "x");
  CHECK((fs::status(guest.here("ro")).permissions() & fs::perms::mask) == fs::perms(0555));
  ::chmod(guest.here("ro").c_str(), 0755);
  ::chmod(guest.there("/root/ro").c_str(), 0755);
}

TEST_CASE("cp: merging never follows a symlink found here") {
  test::TempDir dir;
  put(dir.path() + "/from/sub/file", "x");
  put(dir.path() + "/outside/keep", "y");
  fs::create_directory(dir.path() + "/to");
  fs::create_symlink(dir.path() + "/outside", dir.path() + "/to/sub");
  CHECK(!merge_move(dir.path() + "/from", dir.path() + "/to"));
  CHECK(!fs::exists(dir.path() + "/outside/file"));
}
