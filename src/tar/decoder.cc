#include "tar/decoder.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "tar/decoder_input.h"

namespace banger::tar {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kGzipMagic = "\x1f\x8b"sv, kZstdMagic = "\x28\xb5\x2f\xfd"sv;
constexpr std::string_view kSkippableMagic = "\x2a\x4d\x18"sv;  // after a first byte of 0x50 to 0x5f

std::unexpected<Error> damaged(std::string_view format, std::string_view why) {
  return fail(ErrorCode::corrupt, fmt::format("the {} stream is damaged: {}", format, printable(why)));
}

class Plain : public Decoder {
 public:
  explicit Plain(DecoderInput input) : input_(std::move(input)) {}

  Result<std::size_t> read(std::span<char> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      std::string_view bytes = TRY(input_.peek());
      if (bytes.empty()) break;
      std::size_t now = std::min(bytes.size(), into.size() - done);
      std::memcpy(into.data() + done, bytes.data(), now);
      input_.use(now);
      done += now;
    }
    return done;
  }

 private:
  DecoderInput input_;
};

class Gzip : public Decoder {
 public:
  explicit Gzip(DecoderInput input) : input_(std::move(input)) {}
  ~Gzip() override { inflateEnd(&stream_); }

  Result<> start() {
    // 16: a gzip header is required, and the checksum of each member is checked.
    if (inflateInit2(&stream_, 16 + MAX_WBITS) != Z_OK) return fail(ErrorCode::exhausted, "no memory to unpack gzip");
    return {};
  }

  Result<std::size_t> read(std::span<char> into) override {
    stream_.next_out = reinterpret_cast<Bytef*>(into.data());
    stream_.avail_out = static_cast<uInt>(into.size());
    while (stream_.avail_out > 0) {
      std::string_view bytes = TRY(input_.peek());
      if (bytes.empty() && inside_) return damaged("gzip", "it is cut short");
      // Zeros after the last member are padding, as gzip(1) reads them.
      if (!inside_ && bytes.starts_with('\0')) {
        input_.use(std::min(bytes.find_first_not_of('\0'), bytes.size()));
        padded_ = true;
        continue;
      }
      if (bytes.empty()) break;
      if (padded_) return damaged("gzip", "other bytes follow its padding");
      TRY(step(bytes));
    }
    return into.size() - stream_.avail_out;
  }

 private:
  Result<> step(std::string_view bytes) {
    inside_ = true;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    int status = inflate(&stream_, Z_NO_FLUSH);
    input_.use(bytes.size() - stream_.avail_in);
    if (status == Z_STREAM_END) {
      inside_ = false;
      if (inflateReset(&stream_) != Z_OK) return fail(ErrorCode::internal, "zlib cannot start again");
      return {};
    }
    if (status != Z_OK && status != Z_BUF_ERROR) return damaged("gzip", stream_.msg ? stream_.msg : zError(status));
    return {};
  }

  DecoderInput input_;
  z_stream stream_{};
  bool inside_ = false, padded_ = false;
};

class Zstd : public Decoder {
 public:
  explicit Zstd(DecoderInput input) : input_(std::move(input)), context_(ZSTD_createDCtx(), ZSTD_freeDCtx) {}

  Result<> start() {
    if (!context_) return fail(ErrorCode::exhausted, "no memory to unpack zstd");
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, limits::kZstdWindowLog);
    return {};
  }

  Result<std::size_t> read(std::span<char> into) override {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos < out.size) {
      std::string_view bytes = TRY(input_.peek());
      // A whole frame can still have output inside the context, so the end of the input alone proves nothing.
      if (bytes.empty() && left_ == 0) break;
      std::size_t before = out.pos;
      ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
      left_ = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(left_)) return damaged("zstd", ZSTD_getErrorName(left_));
      input_.use(in.pos);
      if (bytes.empty() && out.pos == before && left_ != 0) return damaged("zstd", "it is cut short");
    }
    return out.pos;
  }

 private:
  DecoderInput input_;
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
  std::size_t left_ = 0;  ///< 0: at the end of a frame
};

bool is_zstd(std::string_view bytes) {
  return bytes.starts_with(kZstdMagic) ||
         (bytes.size() >= 4 && bytes.substr(1, 3) == kSkippableMagic && (bytes[0] & 0xf0) == 0x50);
}

template <class T>
Result<std::unique_ptr<Decoder>> started(DecoderInput input) {
  auto decoder = std::make_unique<T>(std::move(input));
  TRY(decoder->start());
  return decoder;
}

}  // namespace

Result<std::unique_ptr<Decoder>> open_decoder(int fd) {
  DecoderInput input(fd);
  std::string_view first = TRY(input.peek());
  if (first.starts_with(kGzipMagic)) return started<Gzip>(std::move(input));
  if (is_zstd(first)) return started<Zstd>(std::move(input));
  return std::make_unique<Plain>(std::move(input));
}

}  // namespace banger::tar
