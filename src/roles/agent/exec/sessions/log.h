// The log of a session: what the command has printed, in order, as frames (link/exec_frames.h). The log has at most two
// files. When the newer one is full, the older one is dropped.
//
// Each file begins with a `position` frame, and more of them follow, so the log can be read since a time. A reader
// keeps its own place in the files, so a slow reader costs no memory. If the log has dropped what a reader has not read
// yet, the next position shows the reader how much.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "link/exec_frames.h"

namespace banger::roles::agent {

class LogWriter {
 public:
  /// `max_bytes` is for both files together.
  LogWriter(std::string directory, std::uint64_t max_bytes) : directory_(std::move(directory)), most_(max_bytes / 2) {}

  /// Adds stdout_data or stderr_data. On a full disk the bytes are dropped, and the next position shows how many.
  void append(link::FrameType type, std::string_view payload, std::int64_t unix_ms);

 private:
  bool write(std::string_view bytes);
  void begin_file();

  const std::string directory_;
  const std::uint64_t most_;  ///< bytes of one file
  std::uint64_t next_ = 0;    ///< the number of the next file
  std::uint64_t size_ = 0;    ///< of the present file
  UniqueFd file_;             ///< empty: the next frame begins a file
  link::Position position_;
};

class LogReader {
 public:
  explicit LogReader(std::string directory) : directory_(std::move(directory)) {}

  /// The next frame: stdout_data, stderr_data, or `position` at the begin and where bytes are missing. nullopt at the
  /// present end; more may follow. A damaged part of the log is skipped.
  std::optional<link::Frame> next();
  /// The present place. Its time is that of the last `position` in the log.
  const link::Position& position() const { return position_; }

  /// A reader that leaves out all but the last `bytes` of the log as it is now.
  static LogReader tail(const std::string& directory, std::uint64_t bytes);
  /// A reader that leaves out what was written before a time. The log knows times to limits::kSessionMarkPace.
  static LogReader since(const std::string& directory, std::int64_t unix_ms);

 private:
  enum class More { yes, no };
  More read_more();
  bool open_file(std::uint64_t number);
  bool open_oldest();
  std::optional<link::Frame> take(link::Frame frame);
  void begin_within(link::Frame frame, std::uint64_t skipped);
  void begin_here();

  std::string directory_;
  UniqueFd file_;
  std::uint64_t number_ = 0;
  link::FrameDecoder decoder_;
  link::Position position_;
  bool placed_ = false;            ///< the first position was read
  std::deque<link::Frame> first_;  ///< returned before the rest of the log
};

/// What the files of the log occupy, in bytes.
std::uint64_t log_size(const std::string& directory);

}  // namespace banger::roles::agent
