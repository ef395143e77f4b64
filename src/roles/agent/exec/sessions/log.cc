#include "roles/agent/exec/sessions/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>
#include <vector>

#include "host/files.h"
#include "link/bounds.h"
#include "roles/agent/bounds.h"

namespace banger::roles::agent {

namespace {

using link::Frame;
using link::FrameType;

constexpr std::string_view kPrefix = "log.";

std::string path_of(const std::string& directory, std::uint64_t number) {
  return fmt::format("{}/{}{}", directory, kPrefix, number);
}

std::vector<std::uint64_t> numbers_in(const std::string& directory) {
  std::vector<std::uint64_t> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    auto name = entry->path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    std::uint64_t number = 0;
    auto digits = std::string_view(name).substr(kPrefix.size());
    auto [at, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (bad == std::errc() && at == digits.data() + digits.size()) numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

std::uint64_t& count_of(link::Position& position, FrameType type) {
  return type == FrameType::stderr_data ? position.err : position.out;
}

std::uint64_t sum(const link::Position& position) { return position.out + position.err; }

}  // namespace

// ---------------------------------------------------------------- writing

bool LogWriter::write(std::string_view bytes) {
  if (!file_ || !host::write_all(file_.get(), bytes)) {
    // A part of a frame may be in the file. Readers ignore such a part only at the end of a file.
    file_.reset();
    return false;
  }
  size_ += bytes.size();
  return true;
}

void LogWriter::begin_file() {
  if (next_ >= 2) (void)host::remove_file(path_of(directory_, next_ - 2));
  auto path = path_of(directory_, next_++);
  file_ = host::open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW).value_or(UniqueFd());
  size_ = 0;
}

void LogWriter::append(FrameType type, std::string_view payload, std::int64_t unix_ms) {
  bool first = !file_ || size_ >= most_;
  if (first) begin_file();
  std::string bytes;
  if (first || unix_ms - position_.unix_ms >= limits::kSessionMarkPace.count() || unix_ms < position_.unix_ms) {
    position_.unix_ms = unix_ms;
    link::encode_frame(FrameType::position, link::encode_position(position_), bytes);
  }
  link::encode_frame(type, payload, bytes);
  (void)write(bytes);
  count_of(position_, type) += payload.size();
}

// ---------------------------------------------------------------- reading

bool LogReader::open_file(std::uint64_t number) {
  auto file = host::open_file(path_of(directory_, number), O_RDONLY | O_NOFOLLOW);
  if (!file) return false;
  file_ = std::move(*file);
  number_ = number;
  decoder_ = {};
  return true;
}

bool LogReader::open_oldest() {
  for (auto number : numbers_in(directory_))
    if ((!file_ || number > number_) && open_file(number)) return true;
  return false;
}

LogReader::More LogReader::read_more() {
  if (!file_ && !open_oldest()) return More::no;
  for (;;) {
    // A file is whole once its successor exists. So this is looked up before the last read.
    auto numbers = numbers_in(directory_);
    bool whole = !numbers.empty() && numbers.back() > number_;
    char chunk[limits::kLinkFrameBytes];
    auto got = ::read(file_.get(), chunk, sizeof chunk);
    if (got > 0) {
      decoder_.feed({chunk, static_cast<std::size_t>(got)});
      return More::yes;
    }
    if (!whole || !open_oldest()) return More::no;
  }
}

std::optional<Frame> LogReader::take(Frame frame) {
  if (frame.type != FrameType::position) {
    count_of(position_, frame.type) += frame.payload.size();
    return frame;
  }
  auto there = link::decode_position(frame.payload);
  if (!there) return std::nullopt;
  bool missing = !std::exchange(placed_, true) || there->out != position_.out || there->err != position_.err;
  position_ = *there;
  return missing ? std::optional(std::move(frame)) : std::nullopt;
}

std::optional<Frame> LogReader::next() {
  if (!first_.empty()) {
    auto frame = std::move(first_.front());
    first_.pop_front();
    if (frame.type != FrameType::position) count_of(position_, frame.type) += frame.payload.size();
    return frame;
  }
  for (;;) {
    auto frame = decoder_.next();
    if (!frame) {
      (void)::lseek(file_.get(), 0, SEEK_END);
      decoder_ = {};
    } else if (*frame) {
      bool ours = (*frame)->type == FrameType::position || (*frame)->type == FrameType::stdout_data ||
                  (*frame)->type == FrameType::stderr_data;
      if (ours)
        if (auto taken = take(std::move(**frame))) return taken;
      continue;
    }
    if (read_more() == More::no) return std::nullopt;
  }
}

// The present place becomes the first one that is returned.
void LogReader::begin_here() {
  if (placed_) first_.push_back({FrameType::position, link::encode_position(position_)});
}

// The same for a place in the data frame that was read last.
void LogReader::begin_within(Frame frame, std::uint64_t skipped) {
  frame.payload.erase(0, skipped);
  count_of(position_, frame.type) -= frame.payload.size();
  begin_here();
  first_.push_back(std::move(frame));
}

LogReader LogReader::tail(const std::string& directory, std::uint64_t bytes) {
  LogReader whole(directory);
  while (whole.next()) {
  }
  auto end = sum(whole.position());
  LogReader reader(directory);
  while (auto frame = reader.next()) {
    auto after = sum(reader.position());
    if (frame->type == FrameType::position || after + bytes <= end) continue;
    auto before = after - frame->payload.size();
    reader.begin_within(std::move(*frame), end > before + bytes ? end - before - bytes : 0);
    return reader;
  }
  reader.begin_here();
  return reader;
}

LogReader LogReader::since(const std::string& directory, std::int64_t unix_ms) {
  LogReader reader(directory);
  while (auto frame = reader.next()) {
    if (frame->type == FrameType::position || reader.position().unix_ms + limits::kSessionMarkPace.count() < unix_ms)
      continue;
    reader.begin_within(std::move(*frame), 0);
    return reader;
  }
  reader.begin_here();
  return reader;
}

std::uint64_t log_size(const std::string& directory) {
  std::uint64_t bytes = 0;
  for (auto number : numbers_in(directory)) bytes += host::disk_usage(path_of(directory, number));
  return bytes;
}

}  // namespace banger::roles::agent
