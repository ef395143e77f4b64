#include "machine/guest_memory.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "catch.h"
#include "host/files.h"
#include "support.h"

using namespace banger;
using namespace banger::machine;

namespace {

// An odd size, for the process may have mappings of its own.
constexpr std::size_t kPage = 4096, kPages = 1031, kBytes = kPages * kPage;

// A process with one mapping of `file` (anonymous without one), in which it writes pages 3, 4 and 40, then stands still.
class Vmm {
 public:
  Vmm(const std::string& file, int sharing) {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      int fd = file.empty() ? -1 : ::open(file.c_str(), O_RDWR);
      auto* memory = static_cast<char*>(::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, sharing | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0));
      for (std::size_t page : {3, 4, 40}) std::memset(memory + page * kPage, 'w', kPage);
      volatile char read = memory[10 * kPage];  // shares it, and stays as it is
      (void)read;
      memory[20 * kPage] = 0;  // a page of its own that is all zeros
      (void)!::write(ready[1], "x", 1);
      for (;;) ::pause();
    }
    char byte;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Vmm() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

std::string base_content() {
  std::string content(kBytes, '\0');
  for (std::size_t page = 0; page < kPages; page += 2) std::memset(content.data() + page * kPage, 'b', kPage);
  return content;
}

}  // namespace

TEST_CASE("guest memory: of a private mapping only the pages that were written are saved, on top of a copy of the file") {
  TemporaryDirectory directory;
  auto base = directory.path + "/base", copy = directory.path + "/copy";
  REQUIRE(host::write_file(base, base_content()));
  Vmm vmm(base, MAP_PRIVATE);
  auto memory = find_guest_memory(vmm.pid(), base, kBytes);
  REQUIRE(memory);
  CHECK(!memory->shared);
  REQUIRE(host::clone_file(base, copy));
  CHECK(write_own_pages(*memory, copy).value() == 4 * kPage);
  auto expected = base_content();
  for (std::size_t page : {3, 4, 40}) std::memset(expected.data() + page * kPage, 'w', kPage);
  expected[20 * kPage] = 0;
  CHECK(host::read_file(copy, kBytes).value() == expected);
  CHECK(host::read_file(base, kBytes).value() == base_content());
}

TEST_CASE("guest memory: without a file all that is in use is saved, and zeros stay holes") {
  TemporaryDirectory directory;
  Vmm vmm("", MAP_PRIVATE);
  auto memory = find_guest_memory(vmm.pid(), "", kBytes);
  REQUIRE(memory);
  CHECK(write_own_pages(*memory, directory.path + "/saved").value() == 3 * kPage);
  auto saved = host::read_file(directory.path + "/saved", kBytes).value();
  CHECK(saved.size() == kBytes);
  CHECK(saved.substr(3 * kPage, 2 * kPage) == std::string(2 * kPage, 'w'));
  CHECK(saved.substr(20 * kPage, kPage) == std::string(kPage, '\0'));
}

TEST_CASE("guest memory: a shared mapping has everything in its file already") {
  TemporaryDirectory directory;
  auto base = directory.path + "/base";
  REQUIRE(host::write_file(base, base_content()));
  Vmm vmm(base, MAP_SHARED);
  auto memory = find_guest_memory(vmm.pid(), base, kBytes);
  REQUIRE(memory);
  CHECK(memory->shared);
  CHECK(write_own_pages(*memory, directory.path + "/none").value() == 0);
}

TEST_CASE("guest memory: a process without such a mapping, or none at all, is an error") {
  TemporaryDirectory directory;
  auto base = directory.path + "/base";
  REQUIRE(host::write_file(base, base_content()));
  Vmm vmm("", MAP_PRIVATE);
  CHECK(find_guest_memory(vmm.pid(), base, kBytes).error().code == ErrorCode::not_found);
  CHECK(find_guest_memory(vmm.pid(), "", kBytes * 4096).error().code == ErrorCode::not_found);
  CHECK(!find_guest_memory(0x7ffffff0, "", kBytes));
}
