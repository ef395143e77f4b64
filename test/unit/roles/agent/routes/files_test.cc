// PUT and GET /files, GET /stat, from a client's side.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "roles/agent/harness.h"
#include "support/fs_fixture.h"
#include "tar/tar.h"

using namespace banger;
using namespace banger::roles::agent;
using test::Agent;
using test::TempDir;

namespace {

std::string files_at(const std::string& path) { return "/files?path=" + link::percent_encode(path); }
std::string stat_at(const std::string& path) { return "/stat?path=" + link::percent_encode(path); }

std::string pack(const std::string& path, const std::string& name) {
  TempDir dir;
  UniqueFd file(::open((dir / "t.tar").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(tar::pack_tree(path, name, file.get()));
  auto text = host::read_file(dir / "t.tar", 64 << 20);
  REQUIRE(text);
  return *text;
}

void unpack(const std::string& tar, const std::string& directory) {
  TempDir dir;
  REQUIRE(host::write_file(dir / "t.tar", tar));
  UniqueFd file(::open((dir / "t.tar").c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(tar::unpack_tree(file.get(), directory, {.keep_setid = true}));
}

struct Download {
  int status = 0;
  bool complete = false;
  std::string bytes;
};

Task<Download> download(Agent& agent, std::string path, std::string options = "") {
  Download got;
  auto stream = co_await agent.client->open({.method = "GET", .path = files_at(path) + options});
  if (!stream) co_return got;
  (void)co_await (*stream)->finish();
  auto status = co_await (*stream)->status(host::after(std::chrono::seconds(30)));
  got.status = status.value_or(-1);
  for (;;) {
    auto bytes = co_await (*stream)->read();
    got.complete = bytes.has_value();
    if (!bytes || bytes->empty()) break;
    got.bytes += *bytes;
  }
  co_return got;
}

// A tree with all difficult kinds of names and files.
void make_tree(const std::string& root) {
  namespace fs = std::filesystem;
  fs::create_directories(root + "/empty");
  fs::create_directories(root + "/a b/new\nline/\xff\xfe");
  REQUIRE(host::write_file(root + "/a b/new\nline/\xff\xfe/odd'\"name", "odd", 0600));
  REQUIRE(host::write_file(root + "/tool", "#!/bin/sh\n", 0755));
  REQUIRE(host::write_file(root + "/" + std::string(200, 'n'), std::string(3'000'000, 'z'), 0640));
  REQUIRE(host::write_file(root + "/nothing", ""));
  fs::create_symlink("../outside target", root + "/link");
  fs::create_hard_link(root + "/tool", root + "/tool2");
}

bool same_trees(const std::string& a, const std::string& b) {
  auto told = std::system(("diff -r --no-dereference '" + a + "' '" + b + "' >/dev/null").c_str());
  return told == 0;
}

}  // namespace

TEST_CASE("files: a tree survives upload and download, with odd names too") {
  TempDir ours, guest, back;
  make_tree(ours / "tree");
  auto tar = pack(ours / "tree", "tree");
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    auto put = co_await a.call("PUT", files_at(guest.path()), tar);
    CHECK(put.has_value());
    if (put) CHECK((*put)["ok"] == true);
    auto got = co_await download(a, guest / "tree");
    CHECK(got.status == 200);
    CHECK(got.complete);
    unpack(got.bytes, back.path());
  });
  CHECK(same_trees(ours / "tree", guest / "tree"));
  CHECK(same_trees(ours / "tree", back / "tree"));
  struct stat info{};
  REQUIRE(::stat((back / "tree/tool").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0755);
}

TEST_CASE("files: one file and one symlink are downloaded as themselves") {
  TempDir guest, back;
  REQUIRE(host::write_file(guest / "file with space", "content"));
  std::filesystem::create_symlink("nowhere", guest / "dangling");
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    auto file = co_await download(a, guest / "file with space");
    auto link = co_await download(a, guest / "dangling");
    CHECK(file.complete);
    CHECK(link.complete);
    unpack(file.bytes, back.path());
    unpack(link.bytes, back.path());
  });
  CHECK(host::read_file(back / "file with space", 100) == "content");
  CHECK(std::filesystem::read_symlink(back / "dangling") == "nowhere");
}

TEST_CASE("files: a missing path is not found") {
  Agent agent;
  agent.run([](Agent& a) -> Task<> {
    auto got = co_await a.call("GET", files_at("/nonexistent/x"));
    CHECK(!got);
    if (!got) CHECK(got.error().code == ErrorCode::not_found);
    if (!got) CHECK(got.error().message.find("/nonexistent/x") != std::string::npos);
    auto put = co_await a.call("PUT", files_at("/nonexistent/x"), "");
    CHECK(!put);
    if (!put) CHECK(put.error().code == ErrorCode::not_found);
    auto file = co_await a.call("PUT", files_at("/etc/passwd"), "");
    CHECK(!file);
    if (!file) CHECK(file.error().message.find("not a directory") != std::string::npos);
    auto none = co_await a.call("GET", "/files");
    CHECK(!none);
  });
}

TEST_CASE("files: an upload that is not an archive, or leaves its directory, fails with a sentence in its body") {
  TempDir guest;
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    auto put = co_await a.call("PUT", files_at(guest.path()), std::string(100'000, 'x'));
    CHECK(!put);
    if (!put) CHECK(!put.error().message.empty());
    // As the daemon relays it, without the status.
    auto stream = co_await a.client->open({.method = "PUT", .path = files_at(guest.path())});
    if (!stream) {
      FAIL_CHECK("open");
      co_return;
    }
    (void)co_await (*stream)->write(std::string(100'000, 'x'));
    (void)co_await (*stream)->finish();
    auto line = co_await (*stream)->read();
    if (!line) {
      FAIL_CHECK(line.error().sentence());
      co_return;
    }
    auto json = parse_json(*line, 1 << 20);
    CHECK((json && json->contains("error")));
    CHECK(line->ends_with('\n'));
  });
}

TEST_CASE("files: a failing upload is reported while the client still sends") {
  TempDir guest;
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    auto stream = co_await a.client->open({.method = "PUT", .path = files_at(guest.path())});
    if (!stream) {
      FAIL_CHECK("open");
      co_return;
    }
    for (int i = 0; i < 500; ++i)
      if (!co_await (*stream)->write(std::string(100'000, 'x'))) break;
    auto status = co_await (*stream)->status(host::after(std::chrono::seconds(30)));
    CHECK(status.value_or(0) == 400);
  });
}

TEST_CASE("files: a client that goes away in the middle leaves no transfer behind") {
  TempDir guest;
  REQUIRE(host::make_sparse_file(guest / "big", 3ull << 30));
  TempDir ours;
  REQUIRE(host::write_file(ours / "f", std::string(1'000'000, 'f')));
  auto tar = pack(ours / "f", "f");
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    for (int i = 0; i < 4; ++i) {
      auto in = co_await a.client->open({.method = "PUT", .path = files_at(guest.path())});
      auto out = co_await a.client->open({.method = "GET", .path = files_at(guest / "big")});
      if (!in || !out) {
        FAIL_CHECK("open");
        co_return;
      }
      (void)co_await (*in)->write(tar.substr(0, 500'000));
      (void)co_await (*out)->status(host::after(std::chrono::seconds(30)));
    }
    bool over = co_await a.until([&] { return a.context->transfers == 0; });
    CHECK(over);
  });
}

TEST_CASE("files: stat gives type, mode and a link's target") {
  TempDir guest;
  REQUIRE(host::write_file(guest / "f", "x", 0640));
  std::filesystem::create_symlink(guest.path(), guest / "d");
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    auto file = co_await a.call("GET", stat_at(guest / "f"));
    auto link = co_await a.call("GET", stat_at(guest / "d"));
    auto directory = co_await a.call("GET", stat_at(guest.path() + "/"));
    auto missing = co_await a.call("GET", stat_at(guest / "f/x"));
    if (!file || !link || !directory || !missing) {
      FAIL_CHECK("stat failed");
      co_return;
    }
    CHECK((*file)["type"] == "file");
    CHECK((*file)["mode"] == 0640);
    CHECK(!file->contains("around"));
    CHECK((*link)["type"] == "symlink");
    CHECK((*link)["target_type"] == "directory");
    CHECK((*directory)["type"] == "directory");
    CHECK((*directory)["around"].size() > 1);
    CHECK((*directory)["identity"] == (*directory)["around"][0]);
    CHECK((*link)["target_identity"] == (*directory)["identity"]);
    CHECK((*link)["around"] == (*directory)["around"]);
    CHECK((*link)["identity"] != (*link)["target_identity"]);
    CHECK(*missing == Json({{"exists", false}}));
  });
}

TEST_CASE("files: a symlink to a directory is that directory for uploads, and for downloads with an ending") {
  TempDir guest, ours, back;
  std::filesystem::create_directories(guest / "far/real");
  std::filesystem::create_directory_symlink("far/real", guest / "link");
  REQUIRE(host::write_file(ours / "f", "content"));
  REQUIRE(host::write_file(guest / "far/beside", "beside"));
  auto tar = pack(ours / "f", "f");
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    for (auto path : {guest / "link", guest / "link/", guest / "link/."}) {
      std::filesystem::remove(guest / "far/real/f");
      auto put = co_await a.call("PUT", files_at(path), tar);
      CHECK(put.has_value());
      CHECK(host::read_file(guest / "far/real/f", 100) == "content");
    }
    for (auto path : {guest / "link/", guest / "link/."}) {
      std::filesystem::remove_all(back / "link");
      auto got = co_await download(a, path);
      CHECK(got.complete);
      unpack(got.bytes, back.path());
      CHECK(host::read_file(back / "link/f", 100) == "content");
    }
    auto up = co_await download(a, guest / "link/../beside");
    CHECK(up.complete);
    if (up.complete) unpack(up.bytes, back.path());
    auto behind = co_await a.call("GET", stat_at(guest / "link/."));
    CHECK((behind && (*behind)["type"] == "directory"));
  });
  CHECK(host::read_file(back / "beside", 100) == "beside");
  CHECK(std::filesystem::is_symlink(guest / "link"));
}

TEST_CASE("files: a file that exists keeps its mode, unless the caller wants the new one") {
  TempDir guest, ours;
  REQUIRE(host::write_file(ours / "f", "new", 0644));
  REQUIRE(host::write_file(guest / "f", "old", 0600));
  auto tar = pack(ours / "f", "f");
  auto mode = [&] {
    struct stat info{};
    return ::stat((guest / "f").c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
  };
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    auto kept = co_await a.call("PUT", files_at(guest.path()), tar);
    CHECK(kept.has_value());
    CHECK(host::read_file(guest / "f", 100) == "new");
    CHECK(mode() == 0600);
    auto replaced = co_await a.call("PUT", files_at(guest.path()) + "&attributes=new", tar);
    CHECK(replaced.has_value());
    CHECK(mode() == 0644);
  });
}

TEST_CASE("files: an upload writes through a named symlink, and refuses others") {
  TempDir guest, ours;
  REQUIRE(host::write_file(guest / "file", "old"));
  std::filesystem::create_symlink("file", guest / "link");
  REQUIRE(host::write_file(ours / "f", "content"));
  auto tar = pack(ours / "f", "link");
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    auto refused = co_await a.call("PUT", files_at(guest.path()), tar);
    CHECK((!refused && refused.error().message.find("symlink of this name") != std::string::npos));
    CHECK(host::read_file(guest / "file", 100) == "old");
    auto put = co_await a.call("PUT", files_at(guest.path()) + "&follow=1", tar);
    CHECK(put.has_value());
  });
  CHECK(host::read_file(guest / "file", 100) == "content");
  CHECK(std::filesystem::is_symlink(guest / "link"));
}

TEST_CASE("files: the answer to an upload names what was left out, in limited room") {
  TempDir guest;
  std::filesystem::create_directory(guest / "t");
  test::TarBytes tar;
  tar.directory("t").add({.name = "t/null", .type = '3', .device_major = 1, .device_minor = 3}).file("t/f");
  test::TarBytes many;
  for (int i = 0; i < 5000; ++i) many.add({.name = fmt::format("{}{}", std::string(90, 'n'), i), .type = '3'});
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    auto put = co_await a.call("PUT", files_at(guest.path()), tar.done());
    CHECK((put && *put == Json({{"ok", true}, {"left_out", {{{"path", "t/null"}, {"reason", "it is a device"}}}}})));
    auto limited = co_await a.call("PUT", files_at(guest.path()), many.done());
    if (!limited) {
      FAIL_CHECK(limited.error().sentence());
      co_return;
    }
    auto named = (*limited)["left_out"].size();
    CHECK(named > 1000);
    CHECK((*limited)["left_out_more"] == 5000 - named);
  });
  CHECK(host::read_file(guest / "t/f", 100) == "x");
}

TEST_CASE("files: the caller chooses the name in the archive, and the only name that an upload may have") {
  TempDir guest, back;
  std::filesystem::create_directory(guest / "d");
  REQUIRE(host::write_file(guest / "d/f", "content"));
  std::filesystem::create_directory_symlink("d", guest / "link");
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    auto named = co_await download(a, guest / "d/..", "&name=" + link::percent_encode("odd name\xff"));
    CHECK(named.complete);
    auto inside = co_await download(a, guest / "d/", "&name=.");
    CHECK(inside.complete);
    auto followed = co_await download(a, guest / "link", "&name=behind&follow=1");
    CHECK(followed.complete);
    for (const auto& got : {named, inside, followed}) unpack(got.bytes, back.path());
    auto bad = co_await a.call("GET", files_at(guest / "d") + "&name=a%2fb");
    CHECK(!bad);
    auto refused = co_await a.call("PUT", files_at(guest.path()) + "&only=x", inside.bytes);
    CHECK((!refused && refused.error().message.find("asked for") != std::string::npos));
    auto taken = co_await a.call("PUT", files_at(guest.path()) + "&only=behind", followed.bytes);
    CHECK(taken.has_value());
  });
  CHECK(host::read_file(back / "odd name\xff/d/f", 100) == "content");
  CHECK(host::read_file(back / "f", 100) == "content");
  CHECK(host::read_file(back / "behind/f", 100) == "content");
  CHECK(host::read_file(guest / "behind/f", 100) == "content");
}
