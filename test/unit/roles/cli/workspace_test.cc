#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/byte_string.h"
#include "base/text.h"
#include "helpers.h"
#include "host/files.h"
#include "link/exec_frames.h"
#include "support/fs_fixture.h"
#include "tar/tar.h"
#include "workspace/tree_report.h"

using namespace banger;
using namespace banger::test;
namespace fs = std::filesystem;

namespace {

// A fake guest whose file system is a directory of this host, and a checkout.
struct Guest {
  Home home;
  TempDir root, local;
  std::mutex mutex;
  std::vector<std::string> commands;  ///< the VM and the spec of each
  std::vector<std::string> not_sent;  ///< files of a guest's tree that the host did not need
  std::function<std::pair<int, std::string>(const std::string& vm, const std::string& command)> on_command;
  FakeDaemon daemon{home};

  Guest() {
    fs::create_directories(root.path() + "/root");
    daemon.answers["vm.stat_file"] = [this](const Json& params) -> Result<Json> {
      struct stat info{};
      if (::lstat(in_root(params).c_str(), &info) < 0)
        return Json{{"exists", false}, {"type", nullptr}, {"mode", nullptr}};
      return Json{{"exists", true}, {"type", S_ISDIR(info.st_mode) ? "directory" : "file"}, {"mode", 0755}};
    };
    daemon.answers["vm.put_files"] = [](const Json&) -> Result<Json> { return Json::object(); };
    daemon.streams["vm.put_files"] = [this](int socket, const Json& params) {
      auto unpacked = tar::unpack_tree(socket, in_root(params), {.only = get_bytes(params, "only").value()});
      Json error = {{"code", "internal"}, {"message", unpacked ? "" : unpacked.error().sentence()}};
      (void)host::write_all(socket, dump_json(unpacked ? Json{{"ok", true}} : Json{{"error", error}}) + "\n");
    };
    daemon.answers["vm.get_files"] = [](const Json&) -> Result<Json> {
      return Json{{"type", "directory"}, {"name", "web"}};
    };
    daemon.streams["vm.get_files"] = [this](int socket, const Json& params) {
      (void)tar::pack_tree(in_root(params), get_bytes(params, "name").value(), socket);
    };
    daemon.answers["vm.report_tree"] = [](const Json&) -> Result<Json> { return Json::object(); };
    daemon.streams["vm.report_tree"] = [this](int socket, const Json& params) { report(socket, params); };
    daemon.answers["vm.exec"] = [](const Json&) -> Result<Json> { return Json::object(); };
    daemon.streams["vm.exec"] = [this](int socket, const Json& params) { execute(socket, params.at("vm")); };
    REQUIRE(sh("git init -q -b main repo && cd repo && git config user.name a && git config user.email a@b && "
               "echo 1 >a && echo 1 >b && git add -A && git commit -qm first && echo 2 >a && echo n >new")
                .status == 0);
  }
  // As the agent does it.
  void report(int socket, const Json& params) {
    std::string names;
    char chunk[4096];
    for (ssize_t got; (got = ::read(socket, chunk, sizeof chunk)) > 0;)
      names.append(chunk, static_cast<std::size_t>(got));
    auto path = in_root(params);
    if (params.value("changes", false)) return send_changes(socket, path, names);
    Result<std::string> text;
    if (!params.value("confirm", false))
      text = names.empty() ? workspace::report_tree(path) : workspace::report_files(path, names);
    else if (auto confirmed = workspace::confirm_upload(path); !confirmed)
      text = std::unexpected(confirmed.error());
    (void)host::write_all(socket, text ? *text : R"({"code":"invalid","message":"no"})");
  }
  // The whole tree, but for the named files.
  void send_changes(int socket, const std::string& path, const std::string& names) {
    auto copy = local / "changes";
    fs::remove_all(copy);
    fs::copy(path, copy, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    for (auto name : split(names, '\0'))
      if (!name.empty() && fs::remove(fs::path(copy) / name)) not_sent.emplace_back(name);
    (void)tar::pack_tree(copy, "tree", socket);
  }
  // The test decides the status and the output of a command by the VM and the first argument.
  void execute(int socket, const std::string& vm) {
    char chunk[4096];
    auto got = ::read(socket, chunk, sizeof chunk);
    std::string spec(chunk, static_cast<std::size_t>(std::max<ssize_t>(got, 0))), frames;
    std::lock_guard lock(mutex);
    commands.push_back(vm + " " + spec.substr(std::min(spec.find("[\""), spec.size())));
    auto [status, output] = on_command ? on_command(vm, commands.back()) : std::pair(0, std::string());
    link::encode_frame(link::FrameType::stdout_data, output, frames);
    link::encode_frame(link::FrameType::exit, link::encode_exit({.code = status, .signal = 0, .message = ""}), frames);
    (void)host::write_all(socket, frames);
  }
  Ran sh(const std::string& command) const { return test::run("cd " + local.path() + " && " + command); }
  std::string in_root(const Json& params) const { return root.path() + get_bytes(params, "path").value(); }
  std::string repo() const { return local / "repo"; }
  Outcome workspace(std::vector<std::string> words) {
    words.insert(words.begin(), {"vm", "workspace"});
    return home.run(words);
  }
  bool left_nothing() const {
    for (const auto& entry : fs::recursive_directory_iterator(home.path()))
      if (entry.path().filename().string().starts_with(".banger-workspace")) return false;
    return true;
  }
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE_METHOD(Guest, "vm workspace: a checkout goes in and its changes come back, without any trace here") {
  auto done = workspace({"prepare", "web", repo()});
  INFO(done.err);
  REQUIRE(done.status == 0);
  CHECK(contains(done.err, "1 untracked file stays here"));
  CHECK(contains(done.err, "web:/root/repo: branch main, 2 files sent"));
  CHECK(slurp(root / "root/repo/a") == "2\n");
  CHECK_FALSE(fs::exists(root / "root/repo/new"));
  CHECK(left_nothing());

  spill(root / "root/repo/b", "guest\n");
  auto patch = workspace({"export", "web", "--output", "-"});
  CHECK(patch.status == 0);
  CHECK(contains(patch.out, "+guest"));
  CHECK(contains(patch.out, "+2"));
  CHECK_FALSE(contains(workspace({"export", "web", "--output", "-", "--path", "b"}).out, "+2"));
  CHECK(
      contains(workspace({"diff", "web", "--path", "nope"}).err, "nothing has changed in web:/root/repo at the named"));
  CHECK(workspace({"diff", "web"}).out == patch.out);
  CHECK(workspace({"diff", "web", "--name-only"}).out == "a\nb\n");
  CHECK(contains(workspace({"diff", "web", "--stat", "--path", "b", "--path", "a"}).out, " 2 files changed"));
  auto refused = workspace({"export", "web", repo(), "--apply"});
  CHECK(refused.status == 125);
  CHECK(contains(refused.err, "changes of its own: a"));
  sh("cd repo && git checkout -q a");
  CHECK(workspace({"export", "web", repo(), "--apply", "-o", local / "patch"}).status == 0);
  CHECK(slurp(local / "patch") == patch.out);
  CHECK(sh("cd repo && git diff --cached --name-only").output == "a\nb\n");
  CHECK(left_nothing());
}

TEST_CASE_METHOD(Guest, "vm workspace export, status: fetch only what this host does not have") {
  REQUIRE(workspace({"prepare", "web", repo()}).status == 0);
  spill(root / "root/repo/fresh", "guest\n");
  auto patch = workspace({"export", "web", "--output", "-"});
  CHECK(patch.status == 0);
  CHECK(daemon.called("vm.get_files") == 0);
  // "a" was not as committed when it travelled, and "fresh" is new.
  CHECK(std::ranges::count(not_sent, "b") == 1);
  CHECK(std::ranges::count(not_sent, "a") == 0);
  CHECK(std::ranges::any_of(not_sent, [](const auto& name) { return name.ends_with(".pack"); }));
  CHECK(contains(workspace({"status", "web", repo()}).out, "fresh"));
  CHECK(daemon.called("vm.get_files") == 0);
  // A commit to compare with is looked up in the guest.
  CHECK(workspace({"export", "web", "--output", "-", "--base-commit", "HEAD"}).out == patch.out);
  CHECK(daemon.called("vm.get_files") == 1);
  CHECK(left_nothing());
}

TEST_CASE_METHOD(Guest, "vm workspace export: fetches the whole tree when this host knows nothing of it") {
  REQUIRE(workspace({"prepare", "web", repo()}).status == 0);
  spill(root / "root/repo/fresh", "guest\n");
  auto patch = workspace({"export", "web", "--output", "-"});
  auto cache = home.path() + "/.cache/banger/workspace";
  SECTION("without a cache") { fs::remove_all(cache); }
  SECTION("with a damaged cache") {
    for (const auto& entry : fs::directory_iterator(cache)) spill(entry.path(), "damaged");
  }
  SECTION("without the repository") { fs::rename(repo(), local / "elsewhere"); }
  SECTION("without the commit") {
    sh("cd repo && git commit -q --amend -m other && git reflog expire --expire=now --all && git gc -q --prune=now");
  }
  SECTION("from an agent that sends something else") {
    daemon.streams["vm.report_tree"] = [this](int socket, const Json& params) {
      auto other = params;
      other["changes"] = false;
      report(socket, other);
    };
  }
  auto again = workspace({"export", "web", "--output", "-"});
  INFO(again.err);
  CHECK(again.out == patch.out);
  CHECK(daemon.called("vm.get_files") == 1);
  CHECK(left_nothing());
}

TEST_CASE_METHOD(Guest, "vm workspace prepare: sends only changes later, and names work that is in the way") {
  REQUIRE(workspace({"prepare", "web", repo()}).status == 0);
  CHECK(contains(workspace({"prepare", "web", repo()}).err, "0 files sent"));
  spill(repo() + "/b", "host\n");
  CHECK(contains(workspace({"prepare", "web", repo()}).err, "1 file sent"));
  CHECK(slurp(root / "root/repo/b") == "host\n");
  spill(root / "root/repo/b", "guest\n");
  spill(repo() + "/b", "host again\n");
  auto refused = workspace({"prepare", "web", repo()});
  CHECK(refused.status == 125);
  CHECK(contains(refused.err, "work in web:/root/repo is in the way: b (hint: save it"));
  CHECK(slurp(root / "root/repo/b") == "guest\n");
  fs::create_directories(root / "root/mine/x");
  CHECK(contains(workspace({"prepare", "web", repo(), "--guest-path", "/root/mine"}).err, "is no workspace of banger"));
  CHECK(left_nothing());
}

TEST_CASE_METHOD(Guest, "vm workspace prepare: forgets what it knows of checkouts that nobody uses any more") {
  auto known = home.path() + "/.cache/banger/workspace";
  fs::create_directories(known);
  auto name = [&](char digit) { return known + "/" + std::string(64, digit) + ".files"; };
  for (const auto& path : {name('a'), name('b'), known + "/notes"}) spill(path, "x");
  auto last = fs::file_time_type::clock::now() - std::chrono::hours(24 * 91);
  for (const auto& path : {name('a'), known + "/notes"}) fs::last_write_time(path, last);
  REQUIRE(workspace({"prepare", "web", repo()}).status == 0);
  REQUIRE(workspace({"prepare", "web", repo()}).status == 0);
  CHECK_FALSE(fs::exists(name('a')));
  CHECK(fs::exists(name('b')));
  CHECK(fs::exists(known + "/notes"));
}

namespace {

// A guest that may have mise. Each command ends at once.
struct ToolsGuest : Guest {
  int mise_status = 0;
  ToolsGuest() {
    REQUIRE(sh("cd repo && echo '[tools]' >mise.toml && git add mise.toml").status == 0);
    daemon.answers["vm.exec"] = [](const Json&) -> Result<Json> { return Json::object(); };
    daemon.streams["vm.exec"] = [this](int socket, const Json&) {
      char spec[65536];
      if (::read(socket, spec, sizeof spec) <= 0) return;
      std::string bytes;
      link::encode_frame(link::FrameType::exit, link::encode_exit({.code = mise_status, .signal = 0, .message = ""}),
                         bytes);
      (void)host::write_all(socket, bytes);
    };
    daemon.answers["vm.session.start"] = [this](const Json& params) -> Result<Json> {
      session = params;
      return Json{{"id", "s"}, {"name", "mise"}};
    };
  }
  Json session;
};

}  // namespace

TEST_CASE_METHOD(ToolsGuest, "vm workspace prepare: mise installs a repository's tools in a session") {
  auto done = workspace({"prepare", "web", repo()});
  CHECK(done.status == 0);
  CHECK(contains(done.err, "mise installs the tools of mise.toml in the background (banger vm session logs web mise)"));
  CHECK(session.at("name") == "mise");
  CHECK(session.at("cwd") == "/root/repo");
  CHECK(session.at("stdin_mode") == "none");
  // Nothing has changed, so nothing is installed again.
  CHECK_FALSE(contains(workspace({"prepare", "web", repo()}).err, "mise"));
  CHECK(daemon.called("vm.session.start") == 1);
}

TEST_CASE_METHOD(ToolsGuest, "vm workspace prepare: a guest without mise, or a session that fails, is no failure") {
  mise_status = 127;
  CHECK(workspace({"prepare", "web", repo()}).status == 0);
  CHECK(daemon.called("vm.session.start") == 0);
  mise_status = 0;
  daemon.answers["vm.session.start"] = [](const Json&) -> Result<Json> {
    return fail(ErrorCode::exhausted, "too many sessions");
  };
  spill(repo() + "/mise.toml", "[env]\n");
  auto failed = workspace({"prepare", "web", repo()});
  CHECK(failed.status == 0);
  CHECK(contains(failed.err, "the tools of mise.toml are not installed: too many sessions"));
}

TEST_CASE_METHOD(Guest, "vm workspace: what cannot work is refused before anything is done") {
  for (const auto& words : std::vector<std::vector<std::string>>{{"prepare", "web", repo(), "--from", "HEAD"},
                                                                 {"prepare", "web", "--mode", "all"},
                                                                 {"export", "web"},
                                                                 {"diff", "web", "--stat", "--name-only"},
                                                                 {"export", "web", "x", "--output", "-"}})
    CHECK(workspace(words).status == 2);
  for (const char* place : {"repo", "/", "/root/../etc", "/root//x"})
    CHECK(workspace({"prepare", "web", repo(), "--guest-path", place}).status == 125);
  CHECK(contains(workspace({"export", "web", "--guest-path", "/root/none", "-o", "-"}).err,
                 "there is no web:/root/none"));
  for (const char* option : {"--include-untracked", "--dry-run", "--branch=x", "--mode=full_copy"})
    CHECK(contains(home.run({"vm", "run", option}).err, "needs a PATH"));
  CHECK(contains(home.run({"vm", "run", repo(), "--from", "HEAD"}).err, "--from needs --branch"));
  CHECK(contains(home.run({"vm", "run", "make"}).err, "a command for the VM comes after '--'"));
  CHECK(daemon.called("vm.create") == 0);
  CHECK(daemon.called("vm.put_files") == 0);
}

TEST_CASE_METHOD(Guest, "vm run, vm workspace prepare: --dry-run lists the files and makes nothing") {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"vm", "run", repo(), "--dry-run", "--include-untracked"},
           {"vm", "workspace", "prepare", "web", repo(), "--dry-run", "--include-untracked"}}) {
    auto done = home.run(words);
    CHECK(done.status == 0);
    CHECK(contains(done.out, "mode: shallow_overlay\n"));
    CHECK(contains(done.out, "files: 3\n  a\n  b\n  new\n"));
  }
  CHECK(daemon.calls().empty());
}

TEST_CASE_METHOD(Guest, "vm workspace: an interrupt ends a transfer in both directions and leaves nothing") {
  auto thread = ::pthread_self();
  bool prepare = GENERATE(true, false);
  if (!prepare) fs::create_directories(root / "root/repo");
  daemon.streams[prepare ? "vm.put_files" : "vm.get_files"] = [&](int socket, const Json&) {
    ::pthread_kill(thread, SIGTERM);
    char byte;
    while (::read(socket, &byte, 1) > 0) continue;  // until the client goes away
  };
  auto done = prepare ? workspace({"prepare", "web", repo()}) : workspace({"export", "web", "-o", "-"});
  CHECK(done.status == 130);
  CHECK(contains(done.err, "interrupted"));
  CHECK(left_nothing());
}

TEST_CASE_METHOD(Guest, "vm workspace prepare: an agent that tells no changes sends the whole tree instead") {
  daemon.answers.erase("vm.report_tree");
  REQUIRE(workspace({"prepare", "web", repo()}).status == 0);
  spill(repo() + "/b", "host\n");
  CHECK(contains(workspace({"prepare", "web", repo()}).err, "1 file sent"));
  CHECK(daemon.called("vm.get_files") == 1);
}

TEST_CASE_METHOD(Guest, "vm workspace prepare: reads no tree of the guest, and sees new files in the way") {
  REQUIRE(workspace({"prepare", "web", repo()}).status == 0);
  sh("cd repo && git add new && git commit -qam second && echo more >fresh && git add fresh");
  spill(root / "root/repo/fresh", "of the guest\n");
  auto refused = workspace({"prepare", "web", repo()});
  CHECK(refused.status == 125);
  CHECK(contains(refused.err, "is in the way: fresh (hint"));
  fs::remove(root / "root/repo/fresh");
  spill(root / "root/repo/new", "n\n");  // the same as here
  auto done = workspace({"prepare", "web", repo()});
  INFO(done.err);
  CHECK(done.status == 0);
  CHECK(contains(done.err, "1 file sent"));
  CHECK(slurp(root / "root/repo/fresh") == "more\n");
  CHECK(daemon.called("vm.get_files") == 0);
}

TEST_CASE_METHOD(Guest, "vm workspace prepare: the guest is looked at while git lists the files of the host") {
  fs::create_directories(local / "bin");
  // This git lists files only when the guest has been asked.
  spill(local / "bin/git", fmt::format("#!/bin/sh\ncase \"$*\" in *ls-files*--others*)\n"
                                       "  for i in $(seq 200); do [ -e {}/asked ] && break; sleep 0.05; done\n"
                                       "  [ -e {}/asked ] || exit 1 ;;\nesac\nexec /usr/bin/git \"$@\"\n",
                                       local.path(), local.path()));
  fs::permissions(local / "bin/git", fs::perms::owner_all);
  home.variables["PATH"] = local.path() + "/bin:/usr/bin:/bin";
  daemon.streams["vm.report_tree"] = [this](int socket, const Json& params) {
    spill(local / "asked", "");
    report(socket, params);
  };
  auto done = workspace({"prepare", "web", repo()});
  INFO(done.err);
  CHECK(done.status == 0);
  CHECK(slurp(root / "root/repo/a") == "2\n");
}

TEST_CASE_METHOD(Guest, "vm workspace prepare: no guest is asked for what is no checkout") {
  auto done = workspace({"prepare", "web", local.path()});
  CHECK(contains(done.err, "is not in a git checkout"));
  CHECK(daemon.calls().empty());
}

TEST_CASE_METHOD(Guest, "vm workspace prepare: --readonly locks the place, and a later prepare opens it") {
  std::string broken;
  on_command = [&](const std::string&, const std::string& command) {
    return std::pair(!broken.empty() && contains(command, broken) ? 32 : 0, std::string());
  };
  REQUIRE(workspace({"prepare", "web", repo(), "--readonly"}).status == 0);
  CHECK(contains(join(commands, "\n"), R"(["mount","-o","remount,bind,ro","/root/repo"])"));
  commands.clear();
  REQUIRE(workspace({"prepare", "web", repo()}).status == 0);
  CHECK(contains(join(commands, "\n"), R"(["mount","-o","remount,bind,rw","/root/repo"])"));
  CHECK_FALSE(contains(join(commands, "\n"), "bind,ro"));
  commands.clear();
  REQUIRE(workspace({"prepare", "web", repo()}).status == 0);
  CHECK_FALSE(contains(join(commands, "\n"), "mount"));
  broken = "bind";
  auto failed = workspace({"prepare", "web", repo(), "--readonly"});
  CHECK(failed.status == 125);
  CHECK(contains(failed.err, "could not make web:/root/repo read-only"));
}

TEST_CASE_METHOD(Guest, "vm workspace status: both sides beside the prepare, and the next step") {
  REQUIRE(workspace({"prepare", "web", repo()}).status == 0);
  auto status = [&](std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"status", "web", repo()});
    auto done = workspace(more);
    INFO(done.err);
    CHECK(done.status == 0);
    return done.out;
  };
  CHECK(contains(status(), "Neither side has changed since the prepare."));
  spill(root / "root/repo/b", "guest\n");
  CHECK(contains(status(), "changed in the guest:\n  b\n"));
  CHECK(contains(status(), "commit or stash the changes here"));
  sh("cd repo && git stash -q");
  CHECK(contains(status(), "Both sides have changed, in different files: 'banger vm workspace prepare web' works."));
  spill(repo() + "/b", "host\n");
  auto text = status();
  CHECK(contains(text, "changed on both sides:\n  b\n"));
  CHECK(contains(text, "git apply -3"));
  auto json = parse_json(status({"--json"}), 1 << 20);
  REQUIRE(json.has_value());
  CHECK(json->at("conflicts") == Json::array({"b"}));
  CHECK(json->at("guest").at("commits") == 0);
  CHECK(json->at("host").at("files") == Json::array({"a", "b"}));
  CHECK(left_nothing());
}

TEST_CASE_METHOD(Guest, "vm workspace compare: one line for each VM, and what a command returns in each") {
  REQUIRE(workspace({"prepare", "web", repo()}).status == 0);
  spill(root / "root/repo/b", "1\n2\n");
  auto plain = workspace({"compare", "one", "two", "one"});
  INFO(plain.err);
  CHECK(plain.status == 0);
  // The checkout had one local change when it was prepared.
  CHECK(plain.out == "VM   FILES  LINES  COMMITS\none  2      +2 -1  0\ntwo  2      +2 -1  0\n");
  on_command = [](const std::string& vm, const std::string&) {
    return std::pair(vm == "one" ? 0 : 3, "first\nlast of " + vm + "\n\n");
  };
  commands.clear();
  auto checked = workspace({"compare", "one", "two", "--", "make", "test"});
  CHECK(checked.status == 0);
  CHECK(contains(checked.out, "one  2      +2 -1  0        passed\n"));
  CHECK(contains(checked.out, "two  2      +2 -1  0        exit 3: last of two\n"));
  CHECK(contains(commands.front(), R"(["make","test"])"));
  auto json = parse_json(workspace({"compare", "two", "--json", "--", "make"}).out, 1 << 20);
  REQUIRE(json.has_value());
  CHECK(json->at(0).at("check") == Json{{"status", 3}, {"last_line", "last of two"}});
  CHECK(json->at(0).at("added") == 2);
  auto gone = workspace({"compare", "one", "--guest-path", "/root/none"});
  CHECK(gone.status == 125);
  CHECK(contains(gone.err, "one: there is no one:/root/none"));
  CHECK(left_nothing());
}
