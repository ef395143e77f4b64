#include "machine/probe_guest.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <bit>
#include <cstring>

#include "base/text.h"
#include "guestcfg/cpio.h"
#include "machine/bounds.h"
#include "machine/machine_log.h"

namespace banger::machine {

namespace {

// Linux system calls (arch/x86/entry/syscalls/syscall_64.tbl).
constexpr std::uint32_t kWrite = 1, kIoctl = 16, kExit = 60, kReboot = 169;
constexpr std::uint32_t kDrain = 0x5409;  // TCSBRK with a non-zero argument: waits until the UART has sent everything
constexpr std::uint32_t kMagic1 = 0xfee1dead, kMagic2 = 672274793, kRestart = 0x01234567;  // reboot(2)
constexpr std::uint64_t kLoadAddress = 0x400000;

template <class T>
void append(std::string& to, T value) {
  auto bytes = std::bit_cast<std::array<char, sizeof(T)>>(value);
  to.append(bytes.data(), bytes.size());
}

// mov eax number, mov edi a, mov esi b, mov edx c, syscall
std::string call(std::uint32_t number, std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  std::string code;
  for (auto [opcode, value] : {std::pair{'\xb8', number}, {'\xbf', a}, {'\xbe', b}, {'\xba', c}}) {
    code += opcode;
    append(code, value);
  }
  return code + "\x0f\x05";
}

// System V gABI: the file header and one loadable segment that covers the whole file.
struct Headers {
  unsigned char ident[16] = {0x7f, 'E', 'L', 'F', 2 /* 64 bit */, 1 /* little endian */, 1};
  std::uint16_t type = 2 /* ET_EXEC */, machine = 62 /* EM_X86_64 */;
  std::uint32_t version = 1;
  std::uint64_t entry = kLoadAddress + 120, segments_at = 64, sections_at = 0;
  std::uint32_t flags = 0;
  std::uint16_t header_size = 64, segment_size = 56, segment_count = 1, section_size = 0, section_count = 0, names = 0;
  std::uint32_t segment_type = 1 /* PT_LOAD */, segment_flags = 5 /* read, execute */;
  std::uint64_t offset = 0, address = kLoadAddress, physical = kLoadAddress, file_size = 0, memory_size = 0,
                align = 0x1000;
};
static_assert(sizeof(Headers) == 120);

std::string code_with_words_at(std::uint32_t address, std::uint32_t length) {
  return call(kWrite, 1, address, length) + call(kIoctl, 1, kDrain, 1) + call(kReboot, kMagic1, kMagic2, kRestart) +
         call(kExit, 0, 0, 0);
}

KvmVerdict judge(const Result<host::Output>& run, std::chrono::milliseconds limit) {
  if (!run && run.error().code == ErrorCode::timeout)
    return {.reason = fmt::format("a guest did not reach its init within {}", format_duration(limit))};
  if (!run) return {.reason = run.error().message};
  if (run->out.find(kProbeWords) != run->out.npos) return {.usable = true, .reason = "runs guests"};
  auto words = last_lines(run->err);
  return {.reason = words.empty() ? "a guest ended before it reached its init" : words};
}

}  // namespace

std::string probe_init() {
  std::string words = std::string(kProbeWords) + "\n";
  auto length = static_cast<std::uint32_t>(words.size());
  auto code_size = static_cast<std::uint32_t>(code_with_words_at(0, length).size());
  auto code = code_with_words_at(kLoadAddress + sizeof(Headers) + code_size, length);
  Headers headers;
  headers.file_size = headers.memory_size = sizeof headers + code.size() + words.size();
  std::string file(sizeof headers, '\0');
  std::memcpy(file.data(), &headers, sizeof headers);
  return file + code + words;
}

std::string probe_archive() {
  guestcfg::CpioWriter archive;
  archive.directory("dev");
  archive.device("dev/console", S_IFCHR | 0600, 5, 1);  // the kernel opens it as fds 0–2 of init
  archive.file("init", probe_init(), 0755);
  return std::move(archive).finish();
}

// No record leads to this process, so it must not outlive the daemon, and a hanging guest must not burn a processor.
Task<KvmVerdict> run_probe(host::Runtime& runtime, std::vector<std::string> command, std::chrono::milliseconds limit,
                           std::function<void(host::SpawnSpec&)> confine) {
  host::SpawnSpec spec{.argv = std::move(command),
                       .env = {"LC_ALL=C"},
                       .cwd = "/",
                       .dies_with_starter = true,
                       .cpu_seconds = limits::kKvmProbeCpuSeconds};
  if (confine) confine(spec);
  auto run = co_await host::run_command(runtime, std::move(spec), host::after(limit));
  co_return judge(run, limit);
}

}  // namespace banger::machine
