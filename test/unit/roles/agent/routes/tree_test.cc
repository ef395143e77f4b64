// POST /tree, from a client's side.
#include <nlohmann/json.hpp>

#include "host/files.h"
#include "roles/agent/harness.h"
#include "support/fs_fixture.h"
#include "tar/tar.h"
#include "workspace/manifest.h"
#include "workspace/tree_report.h"

using namespace banger;
using namespace banger::roles::agent;
using test::Agent;
using test::TempDir;

namespace {

Task<std::string> ask(Agent& agent, std::string query, std::string names = "") {
  auto stream = co_await agent.client->open({.method = "POST", .path = "/tree?path=" + query});
  if (!stream) co_return "";
  if (!names.empty()) (void)co_await (*stream)->write(names);
  (void)co_await (*stream)->finish();
  std::string answer;
  for (;;) {
    auto bytes = co_await (*stream)->read();
    if (!bytes || bytes->empty()) co_return answer;
    answer += *bytes;
  }
}

}  // namespace

TEST_CASE("tree: the report about a workspace, states of single files, and errors") {
  TempDir dir;
  workspace::Manifest manifest{
      .base = std::string(40, 'a'),
      .files = {{"a", {.hash = host::sha256_hex("a")}}, {"b", {.hash = host::sha256_hex("b")}}}};
  // Longer than one frame of the link.
  for (int i = 0; i < 2000; ++i) manifest.files["gone" + std::to_string(i)] = {.hash = std::string(64, '0')};
  dir.put(".git/banger/prepared", manifest.text());
  dir.put("a", "a");
  dir.put("b", "changed");
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    auto whole = workspace::read_tree_report(co_await ask(a, dir.path()));
    CHECK((whole && whole->files.size() == 2 && whole->files.at("b").hash == host::sha256_hex("changed")));
    auto names = std::string("b") + '\0';
    auto some = workspace::read_files_report(co_await ask(a, dir.path(), names));
    CHECK((some && some->size() == 1));
    auto nothing = workspace::read_tree_report(co_await ask(a, dir.path() + "/none"));
    CHECK((nothing && nothing->empty));
    auto refused = co_await ask(a, "relative");
    CHECK(refused.find("absolute") != std::string::npos);
    auto confirmed = co_await ask(a, dir.path() + "&confirm=1");
    CHECK(confirmed.find("not_found") != std::string::npos);  // no upload has left a list
  });
}

TEST_CASE("tree: the files of a workspace, without those that the host does not need") {
  TempDir dir, unpacked;
  dir.put("a", "a");
  dir.put("deep/b", "b");
  dir.put("deep/c\n", "c");
  dir.put(".git/HEAD", "ref: refs/heads/main");
  dir.put(".git/objects/pack/pack-1.pack", "pack");
  Agent agent;
  agent.run([&](Agent& a) -> Task<> {
    auto names = std::string("a\0deep/c\n\0.git/objects/pack/pack-1.pack\0nothing\0", 48);
    auto tar = co_await ask(a, dir.path() + "&changes=1", names);
    UniqueFd file(::memfd_create("tar", MFD_CLOEXEC));
    CHECK(host::write_all(file.get(), tar));
    ::lseek(file.get(), 0, SEEK_SET);
    CHECK(tar::unpack_tree(file.get(), unpacked.path(), {.only = "tree"}));
    auto refused = co_await ask(a, "relative&changes=1");
    CHECK(refused.find("absolute") != std::string::npos);
  });
  CHECK(test::run("cd " + unpacked.path() + "/tree && find . -type f | sort").output == "./.git/HEAD\n./deep/b\n");
}
