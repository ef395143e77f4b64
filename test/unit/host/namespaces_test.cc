#include "host/namespaces.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catch.h"
#include "host/child.h"
#include "host/files.h"

using namespace banger;
using namespace banger::host;

namespace {

/// A process in namespaces of its own, until this object is destroyed.
struct Apart {
  Child process;
  bool made = false;

  Apart() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    UniqueFd ours(ends[0]), theirs(ends[1]);
    auto child = fork_to([&] {
      (void)!::write(theirs.get(), enter_new_namespaces() ? "y" : "n", 1);
      for (;;) ::pause();
      return 0;
    });
    REQUIRE(child);
    process = std::move(*child);
    char answer = 'n';
    REQUIRE(::read(ours.get(), &answer, 1) == 1);
    made = answer == 'y';
    if (!made) fmt::print("SKIPPED: namespaces: this host refuses user namespaces\n");
  }
};

std::string output_of(SpawnSpec spec, const std::string& command) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  UniqueFd ours(ends[0]), theirs(ends[1]);
  spec.argv = {"/bin/sh", "-c", command};
  spec.env = {"PATH=/usr/bin:/bin"};
  spec.stdout_fd = theirs.get();
  auto child = spawn(spec);
  REQUIRE(child);
  theirs.reset();
  auto text = read_all(ours.get(), "the output", 65536);
  child->wait();
  return text.value_or("");
}

}  // namespace

TEST_CASE("namespaces: a process gets a network of its own, and keeps its user") {
  Apart apart;
  if (!apart.made) return;
  auto own = namespaces_of(::getpid()), other = namespaces_of(apart.process.pid());
  REQUIRE(own);
  REQUIRE(other);
  CHECK(identity_of(*own) != identity_of(*other));
  CHECK(identity_of(*other) == identity_of(namespaces_of(apart.process.pid()).value()));
  SpawnSpec inside{.namespaces = &*other};
  CHECK(output_of(inside, "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' \n'") == "lo");
  CHECK(output_of(inside, "id -u") == output_of({}, "id -u"));
}

TEST_CASE("namespaces: a program that starts in them has no rights there, whoever its user is") {
  Apart apart;
  if (!apart.made) return;
  auto other = namespaces_of(apart.process.pid());
  REQUIRE(other);
  auto sets =
      output_of({.namespaces = &*other}, "grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status | cut -f2 | sort -u");
  CHECK(sets == "0000000000000000\n");
}

TEST_CASE("namespaces: another process can join them, with all rights there") {
  Apart apart;
  if (!apart.made) return;
  auto other = namespaces_of(apart.process.pid());
  REQUIRE(other);
  auto joined = fork_to([&] {
    if (!enter_namespaces(*other)) return 1;
    auto now = namespaces_of(::getpid());
    return now && identity_of(*now) == identity_of(*other) ? 0 : 2;
  });
  REQUIRE(joined);
  CHECK(joined->wait().shell_code() == 0);
}

TEST_CASE("namespaces: those of a process that is gone are not found") {
  auto gone = fork_to([] { return 0; });
  REQUIRE(gone);
  auto pid = gone->pid();
  gone->wait();
  CHECK(!namespaces_of(pid));
  CHECK(identity_of({}).empty());
}
