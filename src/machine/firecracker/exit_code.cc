#include <fmt/format.h>

#include "machine/firecracker/firecracker.h"

namespace banger::machine::firecracker {

namespace {

// Firecracker's own exit codes for signals that it caught (src/vmm/src/lib.rs, FcExitCode).
std::string_view meaning_of(int code) {
  switch (code) {
    case 148:
      return "a system call that its seccomp filter forbids";
    case 149:
      return "SIGBUS: a mapped file became shorter, or the disk is full";
    case 150:
      return "SIGSEGV";
    case 151:
      return "SIGXFSZ: a file may not grow that large";
    case 152:
      return "a bad configuration file";
    case 153:
      return "bad arguments";
    case 154:
      return "SIGXCPU";
    case 155:
      return "SIGPIPE";
    case 156:
      return "SIGHUP";
    case 157:
      return "SIGILL";
    default:
      return "";
  }
}

}  // namespace

std::string name_of_exit(int code) {
  auto meaning = meaning_of(code);
  return meaning.empty() ? fmt::format("exit code {}", code) : fmt::format("exit code {} ({})", code, meaning);
}

}  // namespace banger::machine::firecracker
