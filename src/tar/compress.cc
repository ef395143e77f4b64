#include "tar/compress.h"

#include <fmt/format.h>
#include <zstd.h>

#include <memory>

#include "host/files.h"
#include "tar/decoder_input.h"

namespace banger::tar {

namespace {

constexpr int kLevel = 9;  // a root file system is 15 % smaller than with 3; higher levels gain little and take minutes

using Context = std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)>;

/// Compresses until all of `in` is used, or, at the end, until the frame is complete.
Result<> step(ZSTD_CCtx* context, std::string_view bytes, std::string& room, int to) {
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (;;) {
    ZSTD_outBuffer out{room.data(), room.size(), 0};
    std::size_t left = ZSTD_compressStream2(context, &out, &in, bytes.empty() ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left))
      return fail(ErrorCode::internal, fmt::format("compress with zstd: {}", ZSTD_getErrorName(left)));
    TRY(host::write_all(to, {room.data(), out.pos}));
    if (bytes.empty() ? left == 0 : in.pos == in.size) return {};
  }
}

}  // namespace

Result<> compress(int from, int to) {
  Context context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  DecoderInput input(from);
  std::string room(ZSTD_CStreamOutSize(), '\0');
  Result<> result;
  if (!context) result = fail(ErrorCode::exhausted, "no memory to compress with zstd");
  if (context) {
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  }
  for (;;) {
    std::string_view bytes = TRY(input.peek());
    if (result) result = step(context.get(), bytes, room, to);
    if (bytes.empty()) return result;
    input.use(bytes.size());
  }
}

}  // namespace banger::tar
