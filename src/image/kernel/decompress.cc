#include "image/kernel/decompress.h"

#include <fmt/format.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/text.h"
#include "image/bounds.h"

namespace banger::image {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kLz4Magic = "\x02\x21\x4c\x18"sv;
constexpr std::size_t kLz4BlockBytes = 8 << 20;  // the unpacked size of every legacy block but the last

std::unexpected<Error> too_large(std::size_t max_bytes) {
  return fail(ErrorCode::exhausted, fmt::format("unpacks to more than the limit of {}", format_size(max_bytes)));
}

std::unexpected<Error> damaged(Packing packing, std::string_view why) {
  return fail(ErrorCode::corrupt, fmt::format("damaged {} data: {}", to_string(packing), why));
}

/// The buffer for a decoder's output. It grows in steps, so that a false size in a header costs no memory.
class Output {
 public:
  explicit Output(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  /// Room for the decoder's next step. It may exceed the limit by one byte, so that too large an output is noticed.
  std::pair<char*, std::size_t> room() {
    std::size_t want = std::min(std::max(limits::kDecompressStepBytes, used_ / 2), max_bytes_ + 1 - used_);
    if (bytes_.size() < used_ + want) bytes_.resize(used_ + want);
    return {bytes_.data() + used_, bytes_.size() - used_};
  }
  void produced(std::size_t count) { used_ += count; }
  bool over() const { return used_ > max_bytes_; }
  std::string take() && {
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
  std::size_t used_ = 0, max_bytes_;
};

Result<std::string> gunzip(std::string_view bytes, std::size_t max_bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return fail(ErrorCode::exhausted, "no memory to unpack gzip data");
  std::unique_ptr<z_stream, decltype(&inflateEnd)> end(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  Output output(max_bytes);
  for (;;) {
    auto [at, room] = output.room();
    stream.next_out = reinterpret_cast<Bytef*>(at);
    stream.avail_out = static_cast<uInt>(room);
    int status = inflate(&stream, Z_NO_FLUSH);
    output.produced(room - stream.avail_out);
    if (output.over()) return too_large(max_bytes);
    if (status == Z_STREAM_END) return std::move(output).take();
    if (status == Z_BUF_ERROR) return damaged(Packing::gzip, "it is cut short");
    if (status != Z_OK) return damaged(Packing::gzip, stream.msg ? stream.msg : "it does not decode");
  }
}

Result<std::string> unxz(std::string_view bytes, std::size_t max_bytes) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, limits::kXzMemoryBytes, 0) != LZMA_OK)
    return fail(ErrorCode::exhausted, "no memory to unpack xz data");
  std::unique_ptr<lzma_stream, decltype(&lzma_end)> end(&stream, lzma_end);
  stream.next_in = reinterpret_cast<const std::uint8_t*>(bytes.data());
  stream.avail_in = bytes.size();
  Output output(max_bytes);
  for (;;) {
    auto [at, room] = output.room();
    stream.next_out = reinterpret_cast<std::uint8_t*>(at);
    stream.avail_out = room;
    lzma_ret status = lzma_code(&stream, LZMA_RUN);
    output.produced(room - stream.avail_out);
    if (output.over()) return too_large(max_bytes);
    if (status == LZMA_STREAM_END) return std::move(output).take();
    if (status == LZMA_BUF_ERROR) return damaged(Packing::xz, "it is cut short");
    if (status == LZMA_MEMLIMIT_ERROR) return fail(ErrorCode::exhausted, "xz data needs too much memory to unpack");
    if (status != LZMA_OK) return damaged(Packing::xz, "it does not decode");
  }
}

Result<std::string> unzstd(std::string_view bytes, std::size_t max_bytes) {
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return fail(ErrorCode::exhausted, "no memory to unpack zstd data");
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  Output output(max_bytes);
  for (;;) {
    auto [at, room] = output.room();
    ZSTD_outBuffer out{at, room, 0};
    std::size_t before = in.pos;
    std::size_t left = ZSTD_decompressStream(context.get(), &out, &in);
    output.produced(out.pos);
    if (ZSTD_isError(left)) return damaged(Packing::zstd, ZSTD_getErrorName(left));
    if (output.over()) return too_large(max_bytes);
    if (left == 0 && in.pos == in.size) return std::move(output).take();
    if (out.pos == 0 && in.pos == before) return damaged(Packing::zstd, "it is cut short");
  }
}

/// Legacy frame: magic, then blocks of `u32 packed_size, bytes` up to the end. A repeated magic starts another frame.
Result<std::string> unlz4(std::string_view bytes, std::size_t max_bytes) {
  std::string out;
  auto block = std::make_unique<char[]>(kLz4BlockBytes);
  while (!bytes.empty()) {
    if (bytes.starts_with(kLz4Magic)) {
      bytes.remove_prefix(kLz4Magic.size());
      continue;
    }
    std::uint32_t packed;
    if (bytes.size() < sizeof packed) return damaged(Packing::lz4_legacy, "it is cut short");
    std::memcpy(&packed, bytes.data(), sizeof packed);
    bytes.remove_prefix(sizeof packed);
    if (packed > bytes.size()) return damaged(Packing::lz4_legacy, "it is cut short");
    int got =
        LZ4_decompress_safe(bytes.data(), block.get(), static_cast<int>(packed), static_cast<int>(kLz4BlockBytes));
    if (got < 0) return damaged(Packing::lz4_legacy, "a block does not decode");
    if (out.size() + static_cast<std::size_t>(got) > max_bytes) return too_large(max_bytes);
    out.append(block.get(), static_cast<std::size_t>(got));
    bytes.remove_prefix(packed);
  }
  return out;
}

}  // namespace

Packing packing_of(std::string_view bytes) {
  struct Magic {
    std::string_view bytes;
    Packing packing;
  };
  constexpr Magic kMagics[] = {{"\x1f\x8b"sv, Packing::gzip},
                               {"\xfd"
                                "7zXZ\0"sv,
                                Packing::xz},
                               {"\x28\xb5\x2f\xfd"sv, Packing::zstd},
                               {kLz4Magic, Packing::lz4_legacy},
                               {"BZh"sv, Packing::bzip2},
                               {"\x5d\0\0"sv, Packing::lzma},
                               {"\x89LZO"sv, Packing::lzo}};
  for (const auto& magic : kMagics)
    if (bytes.starts_with(magic.bytes)) return magic.packing;
  return Packing::none;
}

std::string_view to_string(Packing packing) {
  switch (packing) {
    case Packing::none:
      return "plain";
    case Packing::gzip:
      return "gzip";
    case Packing::xz:
      return "xz";
    case Packing::zstd:
      return "zstd";
    case Packing::lz4_legacy:
      return "lz4";
    case Packing::bzip2:
      return "bzip2";
    case Packing::lzma:
      return "lzma";
    case Packing::lzo:
      return "lzo";
  }
  return "unknown";
}

Result<std::string> decompress(std::string_view bytes, std::size_t max_bytes) {
  if (bytes.size() > INT32_MAX) return too_large(max_bytes);  // zlib and lz4 count in 32 bits
  Packing packing = packing_of(bytes);
  switch (packing) {
    case Packing::gzip:
      return gunzip(bytes, max_bytes);
    case Packing::xz:
      return unxz(bytes, max_bytes);
    case Packing::zstd:
      return unzstd(bytes, max_bytes);
    case Packing::lz4_legacy:
      return unlz4(bytes, max_bytes);
    case Packing::none:
      if (bytes.size() > max_bytes) return too_large(max_bytes);
      return std::string(bytes);
    default:
      return fail(ErrorCode::unsupported, fmt::format("{} compression is not supported", to_string(packing)));
  }
}

}  // namespace banger::image
