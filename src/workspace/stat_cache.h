// What is known of the files of a tree without reading them again. A file whose size, times and inode are as they were
// has the content that it had. The text of a cache is a file of this program for itself: a damaged one is empty.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "workspace/tree_file.h"

namespace banger::workspace {

struct Stamp {
  std::uint64_t size = 0, inode = 0;
  std::int64_t modified = 0, changed = 0;  ///< nanoseconds: mtime and ctime
  bool operator==(const Stamp&) const = default;

  static Stamp of(const struct stat& info);
  /// Whether a later change of the file gets another stamp for sure. The clock of a file system may stand still for so
  /// long that a change just after `now` gets the same time.
  bool is_settled(std::int64_t now) const;
};

/// Nanoseconds of the clock that file systems use.
std::int64_t stamp_clock();

/// A regular file. `inode` and `changed` are 0 in a list of files that were sent.
struct SeenFile {
  std::string path;
  Stamp stamp;
  FileState state;
};

/// The text of a list. The paths ascend.
class SeenText {
 public:
  SeenText();
  void add(std::string_view path, const Stamp& stamp, const FileState& state);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// The text of files in any order.
std::string seen_text(std::vector<SeenFile> files);

/// Reads a list from its begin to its end. Ends early where the text is damaged.
class SeenReader {
 public:
  explicit SeenReader(std::string_view text);
  std::optional<SeenFile> next();
  /// The file with this path, if it comes later. Paths must ascend from call to call.
  std::optional<SeenFile> find(std::string_view path);

 private:
  std::string_view rest_;
  std::optional<SeenFile> ahead_;
};

/// Files of one directory after the other, beneath an open directory, without following symlinks.
class DirectoryCursor {
 public:
  explicit DirectoryCursor(int top) : top_(top) {}
  struct Place {
    int directory;
    std::string name;
  };
  Result<Place> find(const std::string& path);

 private:
  int top_;
  std::optional<std::string> at_;
  UniqueFd directory_;
};

class StatCache {
 public:
  /// `text` of an earlier cache, or empty. Paths must ascend from call to call.
  StatCache(int top, std::string text) : old_(std::move(text)), reader_(old_), cursor_(top) {}
  StatCache(const StatCache&) = delete;

  /// The state of the file; it is read only if it may have changed. Errors as those of workspace::state_of().
  Result<FileState> state_of(const std::string& path);
  /// The text for the next cache, and whether it differs from the old one.
  const std::string& text() const { return new_.text(); }
  bool is_new() const { return read_ > 0; }
  std::size_t files_read() const { return read_; }

 private:
  Result<FileState> read(const DirectoryCursor::Place& place, const std::string& path, const struct stat& info);

  std::string old_;
  SeenReader reader_;
  SeenText new_;
  DirectoryCursor cursor_;
  std::size_t read_ = 0;
};

/// For a tree beneath `top` into which the files of the list `sent` were just unpacked. The result has those that are
/// still as they were sent, with their stamps of now. It also has the other files of the list `before`.
std::string confirm_sent(int top, std::string_view sent, std::string_view before);

}  // namespace banger::workspace
