#include <array>
#include <bit>
#include <cstring>

#include "machine/qemu/kvm_probe.h"

namespace banger::machine::qemu {

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

}  // namespace banger::machine::qemu
