#include "machine/machine_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "host/files.h"
#include "machine/bounds.h"

namespace banger::machine {

namespace {

std::string opening_line(std::string_view token) { return fmt::format("banger: start {}", token); }

std::string output_of_start(const std::string& directory, std::string_view token) {
  auto tail = read_tail(fmt::format("{}/{}", directory, kMachineLogName));
  auto opening = opening_line(token) + "\n";
  // If a start has written so much that its opening line is out of reach, the whole tail is from that start.
  if (auto at = tail.rfind(opening); at != tail.npos) tail.erase(0, at + opening.size());
  return tail;
}

}  // namespace

std::string read_tail(const std::string& path) {
  auto file = host::open_file(path, O_RDONLY);
  if (!file) return {};
  off_t size = ::lseek(file->get(), 0, SEEK_END);
  if (size < 0) return {};
  auto length = std::min<off_t>(size, limits::kMachineLogTailBytes);
  std::string tail(static_cast<std::size_t>(length), '\0');
  ssize_t got = ::pread(file->get(), tail.data(), tail.size(), size - length);
  tail.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return tail;
}

Result<UniqueFd> open_machine_log(const std::string& directory, std::string_view token) {
  auto path = fmt::format("{}/{}", directory, kMachineLogName);
  auto log = TRY(host::open_file(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600));
  TRY(in(path, host::write_all(log.get(), opening_line(token) + "\n")));
  return log;
}

std::string last_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (auto line : split(text, '\n'))
    if (!trim(line).empty()) lines.push_back(printable(trim(line), limits::kLastWordsLineBytes));
  if (lines.size() > limits::kLastWordsLines) lines.erase(lines.begin(), lines.end() - limits::kLastWordsLines);
  return join(lines, "; ");
}

std::string last_words(const std::string& directory, std::string_view token) {
  return last_lines(output_of_start(directory, token));
}

std::string last_error_line(const std::string& directory, std::string_view token) {
  std::string found;
  auto text = output_of_start(directory, token);
  for (auto line : split(text, '\n'))
    if (line.find("error") != line.npos || line.find("Error") != line.npos || line.find("ERROR") != line.npos)
      found = printable(trim(line), limits::kLastWordsLineBytes);
  return found;
}

}  // namespace banger::machine
