// A process that waits, with one mapping like a VMM's mapping of its guest's memory.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "catch.h"

namespace banger::test {

// An unusual size, because the process may have mappings of its own.
constexpr std::size_t kPage = 4096, kPages = 1031, kBytes = kPages * kPage;

/// What the process does with its memory before it waits.
enum class Writes {
  no,
  some,  ///< 'w' to pages 3, 4 and 40, zeros to page 20; reads page 10
  all,   ///< 'a' everywhere
};

class MappedProcess {
 public:
  /// Maps `file`, or anonymous memory if `file` is empty.
  MappedProcess(const std::string& file, int sharing, Writes writes = Writes::some) {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      int fd = file.empty() ? -1 : ::open(file.c_str(), O_RDWR);
      auto* memory = static_cast<char*>(
          ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, sharing | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0));
      if (writes == Writes::some) write_some(memory);
      if (writes == Writes::all) std::memset(memory, 'a', kBytes);
      (void)!::write(ready[1], "x", 1);
      for (;;) ::pause();
    }
    char byte;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~MappedProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  MappedProcess(const MappedProcess&) = delete;
  MappedProcess& operator=(const MappedProcess&) = delete;
  pid_t pid() const { return pid_; }

 private:
  static void write_some(char* memory) {
    for (std::size_t page : {3, 4, 40}) std::memset(memory + page * kPage, 'w', kPage);
    volatile char read = memory[10 * kPage];  // shares it, and stays as it is
    (void)read;
    memory[20 * kPage] = 0;  // a page of its own that is all zeros
  }
  pid_t pid_ = 0;
};

inline std::string base_content() {
  std::string content(kBytes, '\0');
  for (std::size_t page = 0; page < kPages; page += 2) std::memset(content.data() + page * kPage, 'b', kPage);
  return content;
}

}  // namespace banger::test
