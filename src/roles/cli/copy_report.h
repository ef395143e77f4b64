// What a copy prints on standard error: what it left out, and on a terminal its progress.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "roles/cli/progress.h"
#include "tar/tar.h"

namespace banger::roles::cli {

class CopyReport {
 public:
  explicit CopyReport(const Io& io);

  /// Prints that something was not copied, and why. Any thread may call it.
  void leave_out(std::string_view what, std::string_view why);
  /// Prints why one of several sources was not copied.
  void could_not(const Error& error);
  /// The same for so many things without names.
  void leave_out_more(std::int64_t count);
  /// The callback for names in an archive. The first component of each name stands for `source`; without a source, the
  /// names are printed as they are.
  tar::LeftOut in_archive(std::string source);

  /// Begins a transfer. Its bytes are counted from 0.
  void begin(std::string what);
  std::atomic<std::uint64_t>& bytes() { return bytes_; }
  /// Whether show() has any effect: only on a terminal.
  bool is_live() const { return progress_.has_value(); }
  /// Shows how far the transfer is, if it takes long.
  void show();

  /// An error if anything was left out.
  Result<> verdict() const;

 private:
  void note(const std::string& text);

  const Io& io_;
  std::string what_;
  std::chrono::steady_clock::time_point began_;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::atomic<std::int64_t> left_out_ = 0;
  std::optional<Progress> progress_;
};

}  // namespace banger::roles::cli
