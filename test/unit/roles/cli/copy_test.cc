#include "roles/cli/copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "base/byte_string.h"
#include "catch.h"
#include "helpers.h"
#include "host/files.h"
#include "roles/cli/copy_arrival.h"
#include "roles/cli/copy_report.h"
#include "tar/identity.h"
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

// A fake guest. Its file system is a directory of this host: /x is ROOT/x.
struct Guest {
  test::Home home;
  test::TempDir root, local;
  test::FakeDaemon daemon{home};

  Guest() {
    daemon.answers["vm.stat_file"] = [this](const Json& params) -> Result<Json> {
      struct stat info{};
      if (::lstat(in_root(params).c_str(), &info) < 0)
        return Json{{"exists", false}, {"type", nullptr}, {"mode", nullptr}};
      auto type = [&] { return S_ISDIR(info.st_mode) ? "directory" : S_ISLNK(info.st_mode) ? "symlink" : "file"; };
      Json answer{{"exists", true},
                  {"type", type()},
                  {"mode", info.st_mode & 07777},
                  {"identity", tar::identity_of(info)},
                  {"around", around(in_root(params))}};
      if (S_ISLNK(info.st_mode) && ::stat(in_root(params).c_str(), &info) == 0) {
        answer["target_type"] = type();
        answer["target_identity"] = tar::identity_of(info);
      }
      return answer;
    };
    daemon.answers["vm.show"] = [](const Json& params) -> Result<Json> {
      return test::vm_object(params["vm"] == "id-w" ? "web" : params["vm"].get<std::string>());
    };
    daemon.answers["vm.put_files"] = [](const Json&) -> Result<Json> { return Json::object(); };
    daemon.streams["vm.put_files"] = [this](int socket, const Json& params) { unpack(socket, params); };
    daemon.answers["vm.get_files"] = [](const Json&) -> Result<Json> {
      return Json{{"type", "file"}, {"name", "web"}};
    };
    daemon.streams["vm.get_files"] = [this](int socket, const Json& params) {
      auto name = sent_name.empty() ? get_bytes(params, "name").value() : sent_name;
      auto symlinks = params.value("follow_links", false) ? tar::Symlinks::follow : tar::Symlinks::keep;
      (void)tar::pack_tree(in_root(params), name, socket, {.symlinks = symlinks});
    };
    fs::create_directories(root.path() + "/root");
  }
  // Up to the root of the guest.
  std::vector<std::string> around(const std::string& directory) const {
    auto all = tar::directories_around(directory), of_root = tar::directories_around(root.path());
    all.resize(all.size() < of_root.size() ? 0 : all.size() - of_root.size() + 1);
    return all;
  }
  void unpack(int socket, const Json& params) const {
    Json list = Json::array();
    tar::UnpackOptions options{.keep_owner = params.value("keep_owner", false) && ::geteuid() == 0,
                               .keep_setid = true,
                               .keep_existing = !params.value("replace_attributes", false),
                               .top = params.value("follow_link", false) ? tar::Target::named : tar::Target::found,
                               .only = params.contains("only") ? get_bytes(params, "only").value() : "",
                               .left_out = [&](auto name, auto why) {
                                 list.push_back({{"path", std::string(name)}, {"reason", std::string(why)}});
                               }};
    auto unpacked = tar::unpack_tree(socket, in_root(params), options);
    auto verdict =
        unpacked
            ? Json{{"ok", true}, {"left_out", list}}
            : Json{{"error", {{"code", to_string(unpacked.error().code)}, {"message", unpacked.error().sentence()}}}};
    (void)host::write_all(socket, dump_json(verdict) + "\n");
  }
  std::string in_root(const Json& params) const { return root.path() + get_bytes(params, "path").value(); }
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
  std::ofstream(file) << content;
  REQUIRE(::chmod(file.c_str(), mode) == 0);
}
std::string get(const std::string& file) { return host::read_file(file, 1 << 20).value_or("(missing)"); }

// All files below a directory: their names, kinds and contents.
using Tree = std::map<std::string, std::string>;
Tree tree_of(const std::string& root) {
  Tree tree;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    struct stat info{};
    REQUIRE(::lstat(entry.path().c_str(), &info) == 0);
    auto& thing = tree[fs::relative(entry.path(), root)];
    thing = fmt::format("{:o} links {} ", info.st_mode & S_IFMT, S_ISDIR(info.st_mode) ? 0 : info.st_nlink);
    if (S_ISREG(info.st_mode))
      thing += fmt::format("{:o} of {}: ", info.st_mode & 07777, info.st_uid) + get(entry.path());
    if (S_ISLNK(info.st_mode)) thing += fs::read_symlink(entry.path()).string();
    if (S_ISCHR(info.st_mode)) thing += std::to_string(info.st_rdev);
  }
  return tree;
}

}  // namespace

TEST_CASE("cp: the text before the first colon is a VM unless it has a slash") {
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

TEST_CASE("cp: names the copy like cp -r does") {
  auto land = [](std::string_view source, Found is, std::string_view target, Found there,
                 Sources sources = Sources::one) {
    auto landing = landing_of(path(source), is, path(target), there, sources);
    return landing ? landing->directory + " | " + landing->name + (landing->named ? " (named)" : "")
                   : landing.error().message;
  };
  CHECK(land("a.txt", Found::file, "web:/root/", Found::directory) == "/root | a.txt");
  CHECK(land("a.txt", Found::file, "web:/root/b.txt", Found::nothing) == "/root | b.txt (named)");
  CHECK(land("a.txt", Found::file, "web:/root/b.txt", Found::file) == "/root | b.txt (named)");
  CHECK(land("dir", Found::directory, "web:/srv", Found::directory) == "/srv | dir");
  CHECK(land("dir", Found::directory, "web:/srv/new", Found::nothing) == "/srv | new (named)");
  CHECK(land("dir/.", Found::directory, "web:/srv", Found::directory) == "/srv | .");
  CHECK(land("dir/.", Found::directory, "web:/srv/new/", Found::nothing) == "/srv | new (named)");
  CHECK(land("dir/.", Found::directory, "web:/srv/new/.", Found::nothing) ==
        "web:/srv/new: there is no such directory");
  CHECK(land("a.txt", Found::file, "web:/no/", Found::nothing) == "web:/no: there is no such directory");
  CHECK(land("dir", Found::directory, "web:/file", Found::file) ==
        "cannot copy the directory dir onto the file web:/file");
  CHECK(land("a.txt/", Found::file, "web:/x", Found::nothing) == "a.txt is not a directory");
  CHECK(land("gone", Found::nothing, "web:/x", Found::nothing) == "gone: there is no such file or directory");
  CHECK(land("a", Found::file, "web:/x", Found::file, Sources::several).find("several") != std::string::npos);
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

TEST_CASE("cp: copies between VMs without a file of this host, and keeps all modes") {
  Guest guest;
  put(guest.there("/root/x/file"), "content");
  put(guest.there("/root/x/su"), "content", 04755);
  ::chmod(guest.there("/root/x").c_str(), 03777);
  if (::geteuid() == 0) REQUIRE(::lchown(guest.there("/root/x/file").c_str(), 1234, 1234) == 0);
  auto done = guest.cp({"web:x", "db:/root/y"});
  INFO(done.err);
  CHECK(done.status == 0);
  CHECK(get(guest.there("/root/y/file")) == "content");
  struct stat file{}, su{}, directory{};
  REQUIRE(::stat(guest.there("/root/y/file").c_str(), &file) == 0);
  REQUIRE(::stat(guest.there("/root/y/su").c_str(), &su) == 0);
  REQUIRE(::stat(guest.there("/root/y").c_str(), &directory) == 0);
  CHECK((su.st_mode & 07777) == 04755);
  CHECK((directory.st_mode & 07777) == 03777);
  if (::geteuid() == 0) CHECK(file.st_uid == 1234);
  CHECK(!fs::exists(guest.home.path() + "/.cache/banger"));
  CHECK(guest.cp({"web:x", guest.here("out")}).status == 0);
  REQUIRE(::stat(guest.here("out/su").c_str(), &su) == 0);
  REQUIRE(::stat(guest.here("out").c_str(), &directory) == 0);
  CHECK((su.st_mode & 07777) == 0755);
  CHECK((directory.st_mode & 07777) == 01777);
}

TEST_CASE("cp: a guest that sends another name writes nothing on this host") {
  Guest guest;
  put(guest.there("/root/x"), "evil");
  guest.sent_name = ".bashrc";
  auto done = guest.cp({"web:x", guest.local.path()});
  CHECK(done.status == 125);
  CHECK(done.err.find("it is not a part of what was asked for") != std::string::npos);
  CHECK(fs::is_empty(guest.local.path()));
  CHECK(guest.cp({"web:x", "db:y"}).status == 125);
  CHECK(!fs::exists(guest.there("/root/.bashrc")));
  CHECK(!fs::exists(guest.there("/root/y")));
}

TEST_CASE("cp: prints the daemon's error") {
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

TEST_CASE("cp: a whole file system is not copied, whatever its path is") {
  Guest guest;
  fs::create_directory_symlink(guest.root.path(), guest.there("/root/top"));
  for (std::string source : {"web:/", "web:/.", "web:..", "web:/root/..", "web:top/"})
    for (auto target : {std::string("-"), guest.here("x")}) {
      CAPTURE(source, target);
      UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
      guest.home.out = target == "-" ? null.get() : -1;
      auto done = guest.cp({source, target});
      guest.home.out = -1;
      CHECK(done.status == 125);
      CHECK(done.err.find("it is the whole file system") != std::string::npos);
    }
  CHECK(fs::is_empty(guest.local.path()));
}

TEST_CASE("cp: a copy onto its source, or into it, changes nothing") {
  Guest guest;
  std::string content(8 << 20, 'c');
  put(guest.there("/root/f"), content.substr(0, 1'000'000));
  put(guest.there("/root/d/sub/x"), "x");
  fs::create_hard_link(guest.there("/root/f"), guest.there("/root/g"));
  fs::create_symlink("f", guest.there("/root/l"));
  auto before = tree_of(guest.root.path());
  struct Pair {
    std::string from, to, says;
  };
  for (const auto& [from, to, says] : {Pair{"f", "f", "web:/root/f and web:/root/f are the same file"},
                                       {"f", "g", "web:/root/f and web:/root/g are the same file"},
                                       {"f", "l", "web:/root/f and web:/root/l are the same file"},
                                       {"l", "f", "web:/root/l and web:/root/f are the same file"},
                                       {"l", "l", "are the same file"},
                                       {"f", "../root", "are the same file"},
                                       {"d", ".", "are the same file"},
                                       {"d/.", "d", "are the same file"},
                                       {"d", "d", "cannot copy the directory web:/root/d into itself"},
                                       {"d", "d/sub", "cannot copy the directory web:/root/d into itself"},
                                       {"d", "d/new", "cannot copy the directory web:/root/d into itself"}}) {
    CAPTURE(from, to);
    auto done = guest.cp({"web:" + from, "web:" + to});
    CHECK(done.status == 125);
    CHECK(done.err.find(says) != std::string::npos);
    CHECK(tree_of(guest.root.path()) == before);
  }
  // Below two directories, cp names such a file. Here it keeps its content.
  put(guest.there("/root/one/t/f"), content);
  fs::create_directories(guest.there("/root/two/t"));
  fs::create_hard_link(guest.there("/root/one/t/f"), guest.there("/root/two/t/f"));
  CHECK(guest.cp({"web:one/t", "web:two"}).status == 0);
  CHECK(host::read_file(guest.there("/root/one/t/f"), 16 << 20) == content);
}

TEST_CASE("cp: two names of one VM are one side") {
  Guest guest;
  put(guest.there("/root/f"), "f");
  auto done = guest.cp({"web:f", "id-w:f"});
  CHECK(done.status == 125);
  CHECK(done.err.find("web:/root/f and id-w:/root/f are the same file") != std::string::npos);
  CHECK(get(guest.there("/root/f")) == "f");
  // The fake gives both VMs the same files, so only the ids tell them apart.
  CHECK(guest.cp({"web:f", "other:f"}).err.find("are the same file") == std::string::npos);
}

TEST_CASE("cp: one source that cannot be copied does not stop the others") {
  Guest guest;
  for (std::string name : {"a/x", "b/x", "one", "two"}) {
    put(guest.here(name), name);
    put(guest.there("/root/" + name), name);
  }
  for (bool up : {true, false}) {
    auto from = [&](const std::string& name) { return up ? guest.here(name) : "web:" + name; };
    auto to = up ? guest.there("/out") : guest.here("out");
    fs::create_directory(to);
    auto done = guest.cp({from("one"), from("missing"), from("a/x"), from("b/x"), from("two"), up ? "web:/out" : to});
    CHECK(done.status == 125);
    CHECK(done.err.find("missing: there is no such file or directory") != std::string::npos);
    CHECK(done.err.find("will not overwrite") != std::string::npos);
    CHECK(done.err.find("2 things were left out") != std::string::npos);
    CHECK(get(to + "/one") == "one");
    CHECK(get(to + "/x") == "a/x");
    CHECK(get(to + "/two") == "two");
    CHECK(guest.cp({from("one"), from("two"), up ? "web:/none" : guest.here("none")}).status == 125);
  }
}

TEST_CASE("cp: with -p, a file that exists gets the permissions of the source") {
  Guest guest;
  put(guest.here("f"), "new", 0644);
  put(guest.there("/root/f"), "new", 0644);
  auto mode = [](const std::string& file) { return fs::status(file).permissions() & fs::perms::mask; };
  for (bool up : {true, false}) {
    auto to = up ? guest.there("/to") : guest.here("to");
    put(to, "old", 0600);
    auto from = up ? guest.here("f") : "web:f", target = up ? "web:/to" : to;
    CHECK(guest.cp({from, target}).status == 0);
    CHECK(mode(to) == fs::perms(0600));
    CHECK(guest.cp({"-p", from, target}).status == 0);
    CHECK(mode(to) == fs::perms(0644));
  }
}

TEST_CASE("cp: what cannot be read from standard input is named") {
  Guest guest;
  UniqueFd directory(::open(guest.local.path().c_str(), O_RDONLY | O_CLOEXEC));
  UniqueFd unreadable(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  for (auto [in, why] : {std::pair{directory.get(), "Is a directory"}, {unreadable.get(), "Bad file descriptor"}}) {
    guest.home.in = in;
    auto done = guest.cp({"-", "web:/root"});
    guest.home.in = -1;
    CHECK(done.status == 125);
    CHECK(done.err.find(std::string("standard input: read: ") + why) != std::string::npos);
  }
}

TEST_CASE("cp: a reader of standard output that goes away ends the copy at once") {
  Guest guest;
  REQUIRE(host::make_sparse_file(guest.there("/root/sparse"), std::uint64_t{3} << 40));
  put(guest.there("/root/big"), std::string(4 << 20, 'b'));
  for (std::string source : {"web:sparse", "web:big"}) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    UniqueFd reader(ends[0]), writer(ends[1]);
    reader.reset();
    guest.home.out = writer.get();
    auto done = guest.cp({source, "-"});
    guest.home.out = -1;
    CHECK(done.status == 141);
    CHECK(done.err.empty());
  }
}

TEST_CASE("cp: a daemon that goes away during an upload is named") {
  Guest guest;
  put(guest.here("big"), std::string(8 << 20, 'b'));
  guest.daemon.streams["vm.put_files"] = [](int socket, const Json&) {
    char some[100];
    (void)!::read(socket, some, sizeof some);
    linger hard{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    ::shutdown(socket, SHUT_RDWR);
  };
  auto done = guest.cp({guest.here("big"), "web:"});
  CHECK(done.status == 125);
  CHECK(done.err.find("the daemon went away before the copy was complete") != std::string::npos);
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

constexpr dev_t kNull = 0x103;

bool may_make_devices() {
  test::TempDir dir;
  return ::mknod((dir.path() + "/null").c_str(), S_IFCHR | 0600, kNull) == 0;
}

// A directory with a target "t" of that kind.
struct Side {
  std::string root;
  UniqueFd reader;  // keeps a FIFO open for reading

  Side(std::string at, const std::string& kind) : root(std::move(at)) {
    fs::create_directories(root);
    put(root + "/file", "old", 0600);
    if (::geteuid() == 0) REQUIRE(::lchown((root + "/file").c_str(), 1234, 1234) == 0);
    put(root + "/directory/keep", "old");
    auto t = root + "/t";
    if (kind == "file") put(t, "old", 0640);
    if (kind == "file" && ::geteuid() == 0) REQUIRE(::lchown(t.c_str(), 1234, 1234) == 0);
    if (kind == "hard link") fs::create_hard_link(root + "/file", t);
    if (kind == "empty directory") fs::create_directory(t);
    if (kind == "full directory") put(t + "/d/a", "old"), put(t + "/keep", "old");
    if (kind == "link to file") fs::create_symlink("file", t);
    if (kind == "link to directory") fs::create_symlink("directory", t);
    if (kind == "dangling link") fs::create_symlink("nowhere", t);
    if (kind == "device") REQUIRE(::mknod(t.c_str(), S_IFCHR | 0600, kNull) == 0);
    if (kind != "FIFO") return;
    REQUIRE(::mkfifo(t.c_str(), 0600) == 0);
    reader = UniqueFd(::open(t.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  }
  Tree now() const {
    auto tree = tree_of(root);
    char text[64];
    auto got = reader ? ::read(reader.get(), text, sizeof text) : 0;
    if (got > 0) tree["(read from the FIFO)"] = std::string(text, static_cast<std::size_t>(got));
    return tree;
  }
};

// Copies a source onto a target of that kind, once with banger and once with cp.
void compare_with_cp(bool up, const std::string& source, const std::string& kind, const std::string& ending) {
  CAPTURE(up, source, kind, ending);
  Guest guest;
  auto from = up ? guest.local.path() : guest.root.path();
  auto to = up ? guest.root.path() : guest.local.path();
  put(from + "/from/f", "new");
  put(from + "/from/d/a", "new");
  put(from + "/from/d/sub/b", "new");
  fs::create_directory_symlink("d", from + "/from/l");
  Side ours(to + "/ours", kind), theirs(to + "/theirs", kind);
  auto before = ours.now();
  auto done = up ? guest.cp({from + "/from/" + source, "web:/ours/t" + ending})
                 : guest.cp({"web:/from/" + source, to + "/ours/t" + ending});
  auto line = fmt::format("cp -r '{}/from/{}' '{}/theirs/t{}' 2>/dev/null", from, source, to, ending);
  int cp = std::system(line.c_str());
  CAPTURE(done.err);
  bool streams = kind == "device" || kind == "FIFO";
  bool refused = cp != 0 || (source == "l" && streams && ending.empty()) || (up && kind == "FIFO");
  CHECK(done.status == (refused ? 125 : 0));
  CHECK(ours.now() == (refused ? before : theirs.now()));
}

TEST_CASE("cp: treats every kind of target like cp -r, or refuses and changes nothing") {
  for (bool up : {false, true})
    for (std::string source : {"f", "d", "d/.", "l", "l/"})
      for (std::string kind : {"nothing", "file", "hard link", "empty directory", "full directory", "link to file",
                               "link to directory", "dangling link", "device", "FIFO"})
        for (std::string ending : {"", "/", "/."})
          if (kind != "device" || may_make_devices()) compare_with_cp(up, source, kind, ending);
  if (!may_make_devices()) puts("SKIPPED: cp: targets that are devices: this user may not make any");
}

// Copies a source of that kind to a target, once with banger and once with cp.
void compare_sources(bool up, const std::string& kind, const std::string& ending, const std::string& target) {
  CAPTURE(up, kind, ending, target);
  Guest guest;
  auto from = up ? guest.local.path() : guest.root.path();
  auto to = up ? guest.root.path() : guest.local.path();
  Side source(from + "/from", kind);
  fs::create_directories(to + "/ours/existing");
  fs::create_directories(to + "/theirs/existing");
  auto before = tree_of(to + "/ours");
  auto done = up ? guest.cp({from + "/from/t" + ending, "web:/ours/" + target})
                 : guest.cp({"web:/from/t" + ending, to + "/ours/" + target});
  auto line = fmt::format("cp -r '{0}/from/t{1}' '{2}/theirs/{3}' 2>/dev/null", from, ending, to, target);
  bool refused = std::system(line.c_str()) != 0 || kind == "device";
  CAPTURE(done.err);
  CHECK(done.status == (refused ? 125 : 0));
  CHECK(done.err.empty() == !refused);
  CHECK(tree_of(to + "/ours") == (refused ? before : tree_of(to + "/theirs")));
}

TEST_CASE("cp: treats every kind of source like cp -r, and refuses devices") {
  for (bool up : {false, true})
    for (std::string kind : {"nothing", "file", "empty directory", "full directory", "link to file",
                             "link to directory", "dangling link", "device", "FIFO"})
      for (std::string ending : {"", "/", "/.", "/.."})
        for (std::string target : {"new", "existing", "existing/"})
          if (kind != "device" || may_make_devices()) compare_sources(up, kind, ending, target);
}

TEST_CASE("cp: what cannot be copied is named, and the rest arrives") {
  Guest guest;
  for (auto side : {guest.here("tree"), guest.there("/root/tree")}) {
    put(side + "/f", "content");
    REQUIRE(::mknod((side + "/sock").c_str(), S_IFSOCK | 0600, 0) == 0);
  }
  struct Copy {
    std::string from, to, named, arrived;
  };
  for (const auto& [from, to, named, arrived] :
       {Copy{"web:tree", guest.here("down"), "web:/root/tree/sock", guest.here("down")},
        Copy{guest.here("tree"), "web:up", guest.here("tree/sock"), guest.there("/root/up")},
        Copy{"web:tree/.", "db:across", "web:/root/tree/sock", guest.there("/root/across")}}) {
    auto done = guest.cp({from, to});
    CHECK(done.status == 125);
    CHECK(done.err == "banger: left out " + named +
                          ": it is a socket\nbanger: not everything was copied: one thing was left out\n");
    CHECK(get(arrived + "/f") == "content");
    CHECK(!fs::exists(arrived + "/sock"));
  }
  auto alone = guest.cp({"web:tree/sock", guest.here("alone")});
  CHECK(alone.status == 125);
  CHECK(alone.err.find("left out web:/root/tree/sock: it is a socket") != std::string::npos);
  CHECK(!fs::exists(fs::symlink_status(guest.here("alone"))));
  // Into a directory in which one name is taken by another kind of file.
  put(guest.here("merged/tree/f/below"), "old");
  put(guest.there("/root/tree/g"), "new");
  auto merged = guest.cp({"web:tree", guest.here("merged")});
  CHECK(merged.status == 125);
  CHECK(merged.err.find("left out " + guest.here("merged/tree/f") + ": ") != std::string::npos);
  CHECK(merged.err.find("2 things were left out") != std::string::npos);
  CHECK(get(guest.here("merged/tree/g")) == "new");
  CHECK(get(guest.here("merged/tree/f/below")) == "old");
}

TEST_CASE("cp: the next copy removes what a killed download left") {
  Guest guest;
  put(guest.there("/root/f"), "content");
  auto stage = guest.here("somewhere/.banger-cp-0011223344556677");
  put(stage + "/half", "x");
  put(guest.home.state() + "/copies/0011223344556677", stage);
  CHECK(guest.cp({"web:f", guest.local.path()}).status == 0);
  CHECK(fs::is_empty(guest.here("somewhere")));
  CHECK(fs::is_empty(guest.home.state() + "/copies"));
}

TEST_CASE("cp: '-' is a tar on standard input and output") {
  Guest guest;
  put(guest.there("/root/tree/f"), "content");
  REQUIRE(::mknod(guest.there("/root/tree/sock").c_str(), S_IFSOCK | 0600, 0) == 0);
  UniqueFd tar(::open(guest.here("out.tar").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  guest.home.out = tar.get();
  auto out = guest.cp({"web:tree", "-"});
  guest.home.out = -1;
  CHECK(out.status == 125);
  CHECK(out.err.find("left out web:/root/tree/sock: it is a socket") != std::string::npos);
  auto listed =
      fmt::format("test \"$(tar tf '{0}' | tr '\\n' ' ')\" = 'tree/ tree/f ' && gzip -k '{0}'", guest.here("out.tar"));
  CHECK(std::system(listed.c_str()) == 0);
  for (std::string name : {"out.tar", "out.tar.gz"}) {
    UniqueFd from(::open(guest.here(name).c_str(), O_RDONLY | O_CLOEXEC));
    guest.home.in = from.get();
    fs::create_directories(guest.there("/" + name));
    auto in = guest.cp({"-", "web:/" + name});
    CHECK(in.err.empty());
    CHECK(in.status == 0);
    CHECK(get(guest.there("/" + name + "/tree/f")) == "content");
  }
  guest.home.in = -1;
  auto empty = guest.cp({"-", "web:/out.tar"});  // no tar comes from /dev/null
  CHECK(empty.status == 125);
  CHECK(empty.err.find("standard input is empty or closed") != std::string::npos);
  CHECK(guest.cp({"-", guest.here("x")}).status == 2);
  CHECK(guest.cp({"web:tree", "web:tree", "-"}).status == 2);
  CHECK(guest.cp({"-", "-"}).status == 2);
  CHECK(!fs::exists("-"));
}

TEST_CASE("cp: options and arguments that cp, scp and docker cp know") {
  Guest guest;
  put(guest.here("-x"), "dash");
  put(guest.here("f"), "content");
  fs::create_symlink("f", guest.here("l"));
  fs::create_symlink("f", guest.there("/root/l"));
  auto before = fs::current_path();
  fs::current_path(guest.local.path());
  auto dash = guest.cp({"--", "-x", "web:"});
  fs::current_path(before);
  CHECK(dash.status == 0);
  CHECK(get(guest.there("/root/-x")) == "dash");
  CHECK(guest.cp({"-rp", guest.here("f"), "web:"}).status == 0);
  CHECK(guest.daemon.calls().back().find("\"keep_owner\":false") != std::string::npos);
  CHECK(guest.cp({"-a", guest.here("f"), "web:"}).status == 0);
  CHECK(guest.daemon.calls().back().find("\"keep_owner\":true") != std::string::npos);
  CHECK(guest.cp({"-L", guest.here("l"), "web:up"}).status == 0);
  CHECK(guest.cp({"web:l", "-L", guest.here("down")}).status == 0);
  for (auto copy : {guest.there("/root/up"), guest.here("down")}) {
    CHECK(!fs::is_symlink(copy));
    CHECK(get(copy) == "content");
  }
}

TEST_CASE("cp: a symlink inside a directory is neither replaced nor followed") {
  Guest guest;
  for (auto side : {guest.here("out"), guest.there("/out")}) {
    put(side + "/victim", "old");
    fs::create_symlink("victim", side + "/f");
  }
  put(guest.here("f"), "new");
  put(guest.there("/f"), "new");
  for (auto done : {guest.cp({"web:/f", guest.here("out")}), guest.cp({guest.here("f"), "web:/out"})}) {
    CHECK(done.status == 125);
    CHECK(done.err.find("a symlink of this name exists already") != std::string::npos);
    CHECK(done.err.find("name the symlink itself") != std::string::npos);
  }
  for (auto side : {guest.here("out"), guest.there("/out")}) {
    CHECK(get(side + "/victim") == "old");
    CHECK(fs::is_symlink(side + "/f"));
  }
  CHECK(guest.cp({"web:/f", guest.here("out/f")}).status == 0);
  CHECK(get(guest.here("out/victim")) == "new");
}

TEST_CASE("cp: names and directories of any bytes go both ways unaltered") {
  Guest guest;
  for (std::string name : {"\xff", "a\xc3", "\xc3\xa9", "\xed\xa0\x80", " \n'\""}) {
    CAPTURE(name);
    auto here = guest.local / name, back = guest.local.path() + "/back" + name;
    REQUIRE(host::write_file(here, name));
    fs::create_directories(guest.root.path() + "/d" + name);
    CHECK(guest.cp({here, "web:/d" + name + "/"}).status == 0);
    CHECK(host::read_file(guest.root.path() + "/d" + name + "/" + name, 100) == name);
    CHECK(guest.cp({"web:/d" + name + "/" + name, back}).status == 0);
    CHECK(host::read_file(back, 100) == name);
    CHECK(guest.cp({here, "web:/new" + name}).status == 0);
    CHECK(host::read_file(guest.root.path() + "/new" + name, 100) == name);
  }
}

TEST_CASE("cp: does not wait for a FIFO without a reader") {
  Guest guest;
  put(guest.there("/root/f"), "new");
  REQUIRE(::mkfifo(guest.here("pipe").c_str(), 0600) == 0);
  auto done = guest.cp({"web:f", guest.here("pipe")});
  CHECK(done.status == 125);
  CHECK(done.err.find("is a FIFO without a reader (hint: start its reader first)") != std::string::npos);
  CHECK(fs::is_fifo(guest.here("pipe")));
}

TEST_CASE("cp: two names of one file stay one file unless two files arrive") {
  Guest guest;
  put(guest.here("tree/a"), "old");
  fs::create_hard_link(guest.here("tree/a"), guest.here("tree/b"));
  put(guest.there("/root/tree/a"), "new");
  fs::create_hard_link(guest.there("/root/tree/a"), guest.there("/root/tree/b"));
  CHECK(guest.cp({"web:tree", guest.local.path()}).status == 0);
  CHECK(get(guest.here("tree/b")) == "new");
  CHECK(fs::equivalent(guest.here("tree/a"), guest.here("tree/b")));
  fs::remove(guest.there("/root/tree/b"));
  put(guest.there("/root/tree/b"), "another");
  CHECK(guest.cp({"web:tree", guest.local.path()}).status == 0);
  CHECK(get(guest.here("tree/a")) == "new");
  CHECK(get(guest.here("tree/b")) == "another");
}

TEST_CASE("cp: a symlink gives its own name, and '..' means what the kernel means") {
  Guest guest;
  put(guest.here("far/real/f"), "new");
  put(guest.here("far/g"), "beside");
  fs::create_directory_symlink("far/real", guest.here("l"));
  CHECK(guest.cp({guest.here("l/"), "web:"}).status == 0);
  CHECK(get(guest.there("/root/l/f")) == "new");
  CHECK(guest.cp({guest.here("l/../g"), "web:"}).status == 0);
  CHECK(get(guest.there("/root/g")) == "beside");
  // Like cp, ".." gives the files in that directory.
  fs::create_directories(guest.there("/far/real"));
  fs::create_directory_symlink("/far/real", guest.there("/root/away"));
  put(guest.there("/far/h"), "beside");
  fs::remove(guest.there("/root/away"));
  fs::create_directory_symlink("../far/real", guest.there("/root/away"));
  CHECK(guest.cp({"web:away/..", guest.here("up")}).status == 0);
  CHECK(get(guest.here("up/h")) == "beside");
  CHECK(guest.cp({"web:away/../h", guest.here("h")}).status == 0);
  CHECK(get(guest.here("h")) == "beside");
}

// Runs `body` as a user without rights, and returns its exit status.
int as_nobody(const std::function<bool()>& body) {
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit((::geteuid() != 0 || ::setresuid(65534, 65534, 65534) == 0) && body() ? 0 : 1);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

TEST_CASE("cp: a file can be written in a directory that cannot") {
  test::TempDir dir, cache;
  auto closed = dir.path() + "/closed";
  put(closed + "/f", "old", 0666);
  put(closed + "/plain", "old", 0444);
  put(dir.path() + "/open/plain", "old", 0400);
  ::chmod((dir.path() + "/open").c_str(), 0777);
  for (const auto& open : {dir.path(), cache.path()}) ::chmod(open.c_str(), 0777);
  ::chmod(closed.c_str(), 0555);
  auto copy_to = [&](const std::string& name, const std::string& directory) {
    Io io;
    io.env = [&](const std::string& key) { return key == "HOME" ? std::optional(cache.path()) : std::nullopt; };
    Landing landing{directory, name, true};
    auto stage = stage_for(io, landing);
    if (!stage) return false;
    auto arrived = stage->path() + "/arrived";
    CopyReport report(io);
    return host::write_file(arrived, "new").has_value() &&
           put_in_place(std::move(*stage), arrived, landing, {}, report);
  };
  CHECK(as_nobody([&] { return copy_to("f", closed); }) == 0);
  CHECK(as_nobody([&] { return copy_to("plain", closed); }) != 0);
  CHECK(as_nobody([&] { return copy_to("missing", closed); }) != 0);
  // The directory accepts new names, but cp would not write this file.
  if (::geteuid() == 0) CHECK(as_nobody([&] { return copy_to("plain", dir.path() + "/open"); }) != 0);
  CHECK(get(dir.path() + "/open/plain") == "old");
  CHECK(get(closed + "/f") == "new");
  CHECK(get(closed + "/plain") == "old");
  CHECK(fs::is_empty(cache.path() + "/.cache/banger"));
  ::chmod(closed.c_str(), 0755);
}

TEST_CASE("cp: merging never follows a symlink of this host") {
  test::TempDir dir;
  put(dir.path() + "/from/sub/file", "x");
  put(dir.path() + "/outside/keep", "y");
  fs::create_directory(dir.path() + "/to");
  fs::create_symlink(dir.path() + "/outside", dir.path() + "/to/sub");
  Io io;
  UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  io.err = null.get();
  CopyReport report(io);
  CHECK(merge_move(dir.path() + "/from", dir.path() + "/to", {}, report));
  CHECK(!report.verdict());
  CHECK(!merge_move(dir.path() + "/from/sub", dir.path() + "/to/sub", {}, report));
  CHECK(!fs::exists(dir.path() + "/outside/file"));
}
