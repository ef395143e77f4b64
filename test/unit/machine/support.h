// What the machine tests share: a directory, a loop to run one coroutine on, and guests of a few bytes.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <optional>
#include <string>

#include "catch.h"
#include "host/files.h"
#include "host/runtime.h"
#include "machine/qemu/qemu.h"
#include "support/run.h"
#include "support/temp_dir.h"

namespace banger::machine {

using test::run;
using test::TempDir;

/// A process with `word` on its command line. It lives until it is killed or its input ends, and then exits with 7.
struct WaitingProcess {
  explicit WaitingProcess(const std::string& word) {
    int in[2], out[2];
    REQUIRE(::pipe2(in, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
    UniqueFd child_in(in[0]), child_out(out[1]), ready(out[0]);
    input = UniqueFd(in[1]);
    auto spawned = host::spawn({.argv = {"/bin/sh", "-c", "echo; read line; exit 7", word},
                                .env = {},
                                .stdin_fd = child_in.get(),
                                .stdout_fd = child_out.get()});
    REQUIRE(spawned);
    child = std::move(*spawned);
    // Right after an exec a process has no command line for a moment. Its first output shows that it has one.
    char newline;
    REQUIRE(::read(ready.get(), &newline, 1) == 1);
  }
  UniqueFd input;
  host::Child child;
};

/// Whether the process with `token` on its command line, which `start` starts, ends when its starter is killed.
inline bool dies_with_starter(const std::string& token, const std::function<void()>& start) {
  auto starter = host::fork_to([&] {
    start();
    return 0;
  });
  REQUIRE(starter);
  std::optional<host::ProcessId> started;
  for (auto until = host::after(std::chrono::seconds(60)); !started && host::Clock::now() < until; ::usleep(10'000))
    started = find_process_by_token(token);
  REQUIRE(started);
  auto process = host::open_process(*started);
  REQUIRE(process);
  REQUIRE(starter->signal(SIGKILL));
  starter->wait();
  pollfd ended{process->get(), POLLIN, 0};
  bool died = ::poll(&ended, 1, 30'000) == 1;
  ::syscall(SYS_pidfd_send_signal, process->get(), SIGKILL, nullptr, 0);
  return died;
}

enum class Ending { reset, halt };

/// A kernel for microvm that prints `words` on the first serial port, then resets the machine or halts for ever. An ELF
/// with a PVH entry (Xen's docs/misc/pvh): QEMU starts it in 32-bit protected mode with flat segments.
inline std::string tiny_kernel(const std::string& words, Ending ending) {
  constexpr std::uint32_t kBase = 0x100000;
  std::string code(
      "\xfc\xbe____\x66\xba\xf8\x03"  // cld, mov esi words, mov dx 0x3f8
      "\xac\x84\xc0\x74\x03\xee\xeb\xf8",
      18);  // 1: lodsb, test al al, jz 2f, out dx al, jmp 1b, 2:
  if (ending == Ending::reset)
    code += std::string("\x0f\x01\x1d____\xcc", 8);  // lidt [zeros]; int3: a triple fault
  else
    code += std::string("\xfa\xf4\xeb\xfd", 4);  // cli, 3: hlt, jmp 3b
  std::uint32_t words_at = kBase + static_cast<std::uint32_t>(code.size());
  std::uint32_t zeros_at = words_at + static_cast<std::uint32_t>(words.size());
  std::memcpy(code.data() + 2, &words_at, 4);
  if (ending == Ending::reset) std::memcpy(code.data() + 21, &zeros_at, 4);
  code += words + std::string(16, '\0');

  struct Header {
    unsigned char ident[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    std::uint16_t type = 2, machine = 62;
    std::uint32_t version = 1;
    std::uint64_t entry = kBase, segments = 64, sections = 0;
    std::uint32_t flags = 0;
    std::uint16_t size = 64, segment_size = 56, count = 2, section_size = 0, section_count = 0, names = 0;
  } header;
  struct Segment {
    std::uint32_t type, flags;
    std::uint64_t offset, address, physical, file_size, memory_size, align;
  };
  struct Note {
    std::uint32_t name_size = 4, size = 8, type = 18 /* PHYS32_ENTRY */;
    char name[4] = {'X', 'e', 'n', 0};
    std::uint64_t entry = kBase;
  } note;
  Segment segments[] = {{1, 7, 256, kBase, kBase, code.size(), code.size(), 16}, {4, 4, 176, 0, 0, 24, 24, 4}};
  std::string file(256, '\0');
  std::memcpy(file.data(), &header, sizeof header);
  std::memcpy(file.data() + 64, segments, sizeof segments);
  std::memcpy(file.data() + 176, &note, 24);
  return file + code;
}

/// The installed QEMU, or nullopt after a warning that names why the test is skipped.
inline std::optional<qemu::QemuFacts> installed_qemu(host::Runtime& runtime) {
  auto facts = run(runtime, qemu::probe_qemu(runtime, {.binary = "", .path_variable = "/usr/local/bin:/usr/bin:/bin"}));
  if (facts) return *facts;
  WARN("skipped, no usable QEMU: " << facts.error().sentence());
  return std::nullopt;
}

}  // namespace banger::machine
