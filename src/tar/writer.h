// Writes a pax stream member by member, without compression. A hole costs nothing, and a broken stream ends at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "tar/reader.h"

namespace banger::tar {

class TarWriter {
 public:
  /// `fd` is borrowed. Adds the bytes that were written to `written`, if it is not null.
  static Result<TarWriter> open(int fd, std::atomic<std::uint64_t>* written = nullptr);
  TarWriter(TarWriter&&) noexcept;
  TarWriter& operator=(TarWriter&&) noexcept;
  /// Without finish(), the stream has no end marker, so that its reader fails too.
  ~TarWriter();

  /// Begins a member. `data`: the parts of a file with holes, in ascending order. Empty means that the file has no
  /// holes. `corrupt` when the parts do not fit the file. Every member before must have its whole content.
  Result<> add(const TarEntry& entry, std::span<const Extent> data = {});
  /// The next bytes of the member's content. What lies in a hole is dropped.
  Result<> write(std::string_view bytes);
  Result<> write_zeros(std::uint64_t count);
  /// Tells the reader that the member of this name is not part of the copy, even if its content came before.
  Result<> leave_out(std::string_view name, std::string_view reason);
  Result<> finish();
  /// Ends the stream in the middle, and tells its reader the reason. Nothing can be written afterwards.
  void break_off(std::string_view reason);

 private:
  struct State;
  explicit TarWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace banger::tar
