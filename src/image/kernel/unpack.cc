// unpack_vmlinux: from a distribution's bzImage to the ELF file inside. Reads headers only; runs nothing.
#include <fmt/format.h>

#include <cstring>

#include "base/text.h"
#include "image/bounds.h"
#include "image/kernel/decompress.h"
#include "image/kernel/store.h"

namespace banger::image {

namespace {

using namespace std::string_view_literals;

// Documentation/x86/boot.rst, "The Real-Mode Kernel Header".
constexpr std::size_t kSetupSects = 0x1f1, kBootFlag = 0x1fe, kHeaderMagic = 0x202, kProtocol = 0x206;
constexpr std::size_t kPayloadOffset = 0x248, kPayloadLength = 0x24c, kHeaderEnd = 0x250;
constexpr std::uint16_t kPayloadProtocol = 0x0208;  // 2.08 brought payload_offset and payload_length

template <class T>
T little_endian(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

std::unexpected<Error> not_a_kernel(std::string_view why) {
  return fail(ErrorCode::invalid, fmt::format("not a kernel image: {}", why),
              "give an x86-64 vmlinux (ELF) or a bzImage (vmlinuz)");
}

/// ELF64, little-endian, executable or PVH-relocatable, for x86-64 (elf(5)).
Result<> check_elf(std::string_view elf) {
  if (elf.size() < 64 || !elf.starts_with("\x7f"
                                          "ELF"sv))
    return fail(ErrorCode::corrupt, "the payload is not an ELF file");
  constexpr std::uint8_t kClass64 = 2, kLittle = 1;
  constexpr std::uint16_t kMachineX86_64 = 62;
  if (elf[4] != kClass64 || elf[5] != kLittle || little_endian<std::uint16_t>(elf, 18) != kMachineX86_64)
    return fail(ErrorCode::unsupported, "the kernel is not for x86-64", "banger runs amd64 guests only");
  return {};
}

struct Payload {
  std::string_view bytes;  ///< compressed, without the size that the build appends
  std::uint32_t unpacked_bytes;
};

Result<Payload> find_payload(std::string_view image) {
  if (image.size() < kHeaderEnd) return not_a_kernel("it is too short");
  if (little_endian<std::uint16_t>(image, kBootFlag) != 0xaa55 || image.substr(kHeaderMagic, 4) != "HdrS")
    return not_a_kernel("it is neither an ELF file nor a bzImage");
  auto protocol = little_endian<std::uint16_t>(image, kProtocol);
  if (protocol < kPayloadProtocol)
    return fail(ErrorCode::unsupported,
                fmt::format("boot protocol {}.{:02} is too old: it does not say where the kernel lies", protocol >> 8,
                            protocol & 0xff));
  std::size_t setup_sects = static_cast<std::uint8_t>(image[kSetupSects]);
  if (setup_sects == 0) setup_sects = 4;  // boot.rst: for backwards compatibility
  std::size_t begin = (setup_sects + 1) * 512 + little_endian<std::uint32_t>(image, kPayloadOffset);
  std::size_t length = little_endian<std::uint32_t>(image, kPayloadLength);
  if (length < 8 || begin > image.size() || length > image.size() - begin)
    return fail(ErrorCode::corrupt, "the bzImage is cut short: its payload lies outside the file");
  auto payload = image.substr(begin, length);
  auto unpacked = little_endian<std::uint32_t>(payload, length - 4);
  // gzip data ends with that size anyway (ISIZE). After other formats, the kernel's build appends it.
  if (packing_of(payload) != Packing::gzip) payload.remove_suffix(4);
  return Payload{payload, unpacked};
}

}  // namespace

Result<std::string> unpack_vmlinux(std::string_view image) {
  if (image.size() > limits::kKernelImageBytes)
    return fail(ErrorCode::exhausted, fmt::format("a kernel image of {} is over the limit of {}",
                                                  format_size(image.size()), format_size(limits::kKernelImageBytes)));
  if (image.starts_with("\x7f"
                        "ELF"sv)) {
    TRY(check_elf(image));
    return std::string(image);
  }
  Payload payload = TRY(find_payload(image));
  if (payload.unpacked_bytes > limits::kKernelImageBytes)
    return fail(ErrorCode::exhausted,
                fmt::format("the kernel says it unpacks to {}, over the limit of {}",
                            format_size(payload.unpacked_bytes), format_size(limits::kKernelImageBytes)));
  auto elf = TRY(in("unpack the kernel", decompress(payload.bytes, payload.unpacked_bytes)));
  if (elf.size() != payload.unpacked_bytes)
    return fail(ErrorCode::corrupt,
                fmt::format("the kernel unpacked to {} bytes instead of {}", elf.size(), payload.unpacked_bytes));
  TRY(check_elf(elf));
  return elf;
}

std::string release_of_vmlinux(std::string_view vmlinux) {
  // linux_banner, init/version-timestamp.c: "Linux version 6.1.0-56-cloud-amd64 (builder@host) ...".
  constexpr std::string_view kBanner = "Linux version ";
  for (std::size_t at = 0; (at = vmlinux.find(kBanner, at)) != vmlinux.npos; at += kBanner.size()) {
    auto rest = vmlinux.substr(at + kBanner.size(), 128);
    auto word = rest.substr(0, rest.find_first_of(" \n"sv));
    bool plain =
        word.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+~_-") == word.npos;
    if (word.size() < rest.size() && !word.empty() && word[0] >= '0' && word[0] <= '9' && plain)
      return std::string(word);
  }
  return {};
}

}  // namespace banger::image
