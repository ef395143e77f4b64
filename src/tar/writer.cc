#include "tar/writer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "host/files.h"
#include "tar/bounds.h"
#include "tar/pax.h"

namespace banger::tar {

namespace {

/// Whether the parts are in ascending order and inside the file.
bool is_map_of(std::span<const Extent> data, std::uint64_t size) {
  std::uint64_t at = 0;
  for (const auto& extent : data) {
    if (extent.offset < at || extent.offset > size || extent.size > size - extent.offset) return false;
    at = extent.offset + extent.size;
  }
  return true;
}

}  // namespace

struct TarWriter::State {
  int fd = -1;
  std::atomic<std::uint64_t>* written = nullptr;
  std::string buffer;  ///< not yet written
  std::string zeros = std::string(limits::kPackWriteBytes, '\0');
  // The member that is being written.
  std::vector<Extent> data;  ///< the parts that the stream has
  std::size_t part = 0;      ///< of `data`: the first part that is not complete
  std::uint64_t at = 0;      ///< offset in the file
  std::uint64_t size = 0;    ///< of the file
  std::uint64_t stored = 0;  ///< bytes of content in the stream

  Result<> flush() {
    for (std::string_view rest = buffer; !rest.empty();) {
      ssize_t put = ::write(fd, rest.data(), rest.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return fail_errno("write archive");
      if (written) *written += static_cast<std::uint64_t>(put);
      rest.remove_prefix(static_cast<std::size_t>(put));
    }
    buffer.clear();
    return {};
  }

  Result<> put(std::string_view bytes) {
    while (!bytes.empty()) {
      auto piece = bytes.substr(0, limits::kPackWriteBytes - buffer.size());
      buffer += piece;
      bytes.remove_prefix(piece.size());
      if (buffer.size() == limits::kPackWriteBytes) TRY(flush());
    }
    return {};
  }

  struct Run {
    std::uint64_t size = 0;
    bool is_data = false;
  };
  /// What begins at the present offset.
  Run run() {
    while (part < data.size() && data[part].offset + data[part].size <= at) ++part;
    if (part == data.size()) return {size - at, false};
    if (at < data[part].offset) return {data[part].offset - at, false};
    return {data[part].offset + data[part].size - at, true};
  }

  /// Accepts `count` bytes of content. `bytes` gives the first of so many of them.
  template <typename Bytes>
  Result<> accept(std::uint64_t count, const Bytes& bytes) {
    if (count > size - at) return fail(ErrorCode::internal, "write archive: a file has more content than its size");
    while (count > 0) {
      auto [most, is_data] = run();
      auto step = std::min(count, most);
      if (is_data) {
        std::string_view piece = bytes(step);
        step = piece.size();
        TRY(put(piece));
        stored += step;
      }
      at += step;
      count -= step;
    }
    return {};
  }

  Result<> end_member() {
    if (at < size) return fail(ErrorCode::internal, "write archive: a file has less content than its size");
    return put(std::string_view(zeros).substr(0, (kTarBlock - stored % kTarBlock) % kTarBlock));
  }
};

TarWriter::TarWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
TarWriter::TarWriter(TarWriter&&) noexcept = default;
TarWriter& TarWriter::operator=(TarWriter&&) noexcept = default;
TarWriter::~TarWriter() = default;

Result<TarWriter> TarWriter::open(int fd, std::atomic<std::uint64_t>* written) {
  auto state = std::make_unique<State>();
  state->fd = fd;
  state->written = written;
  state->buffer.reserve(limits::kPackWriteBytes);
  return TarWriter(std::move(state));
}

Result<> TarWriter::add(const TarEntry& entry, std::span<const Extent> data) {
  State& s = *state_;
  TRY(s.end_member());
  s.size = entry.kind == EntryKind::file ? static_cast<std::uint64_t>(std::max<std::int64_t>(entry.size, 0)) : 0;
  if (!is_map_of(data, s.size))
    return fail(ErrorCode::corrupt, "write archive: the map of holes does not fit the file");
  s.data.assign(data.begin(), data.end());
  if (data.empty()) s.data.push_back({0, s.size});
  s.part = s.at = s.stored = 0;
  return s.put(pax_headers(entry, data));
}

Result<> TarWriter::write(std::string_view bytes) {
  return state_->accept(bytes.size(),
                        [rest = bytes, &s = *state_, end = state_->at + bytes.size()](std::uint64_t most) {
                          return rest.substr(rest.size() - (end - s.at), most);
                        });
}

Result<> TarWriter::write_zeros(std::uint64_t count) {
  return state_->accept(
      count, [zeros = std::string_view(state_->zeros)](std::uint64_t most) { return zeros.substr(0, most); });
}

Result<> TarWriter::leave_out(std::string_view name, std::string_view reason) {
  return add({.path = std::string(name), .kind = EntryKind::file, .left_out = std::string(reason)});
}

Result<> TarWriter::finish() {
  TRY(state_->end_member());
  TRY(state_->put(std::string_view(state_->zeros).substr(0, 2 * kTarBlock)));
  return state_->flush();
}

void TarWriter::break_off(std::string_view reason) {
  auto most = limits::kBreakReasonBytes - kBrokenMark.size() - 1;
  (void)host::write_all(state_->fd, fmt::format("{}{}\n", kBrokenMark, reason.substr(0, most)));
}

}  // namespace banger::tar
