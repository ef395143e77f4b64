#include "tar/gzip.h"

#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <memory>

#include "host/digest.h"
#include "host/files.h"
#include "tar/bounds.h"

namespace banger::tar {

namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib.h, deflateInit2: the largest window, with a gzip header
constexpr int kMemoryLevel = 8;       // the default

struct End {
  void operator()(z_stream* stream) const {
    ::deflateEnd(stream);
    delete stream;
  }
};

class Gzip {
 public:
  explicit Gzip(int to) : to_(to), out_(limits::kTarReadBytes, '\0') {}

  Result<> begin() {
    auto* raw = new z_stream{};
    stream_.reset(raw);
    // Without deflateSetHeader, the header has neither a time nor a name.
    if (::deflateInit2(raw, limits::kGzipLevel, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK)
      return fail(ErrorCode::exhausted, "compress: out of memory");
    return {};
  }

  Result<> add(std::string_view bytes, int flush) {
    stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_->avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_->next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_->avail_out = static_cast<uInt>(out_.size());
      if (::deflate(stream_.get(), flush) == Z_STREAM_ERROR) return fail(ErrorCode::internal, "compress: bad state");
      auto piece = std::string_view(out_).substr(0, out_.size() - stream_->avail_out);
      sum_.add(piece);
      written_ += piece.size();
      TRY(host::write_all(to_, piece));
    } while (stream_->avail_out == 0);
    return {};
  }

  std::uint64_t written() const { return written_; }
  std::string finish_sum() { return sum_.finish(); }

 private:
  int to_;
  std::string out_;
  std::unique_ptr<z_stream, End> stream_;
  host::Sha256 sum_;
  std::uint64_t written_ = 0;
};

}  // namespace

Result<Compressed> gzip(int from, int to, const std::function<Result<>(std::uint64_t)>& progress) {
  Gzip out(to);
  TRY(out.begin());
  host::Sha256 plain;
  Compressed done;
  std::string buffer(limits::kTarReadBytes, '\0');
  for (;;) {
    ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("compress");
    if (got == 0) break;
    auto piece = std::string_view(buffer).substr(0, static_cast<std::size_t>(got));
    plain.add(piece);
    done.plain_bytes += piece.size();
    TRY(out.add(piece, Z_NO_FLUSH));
    if (progress) TRY(progress(done.plain_bytes));
  }
  TRY(out.add({}, Z_FINISH));
  done.plain_sha256 = plain.finish();
  done.sha256 = out.finish_sum();
  done.bytes = out.written();
  return done;
}

}  // namespace banger::tar
