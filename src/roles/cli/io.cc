#include "roles/cli/io.h"

#include <unistd.h>

#include <cerrno>

#include "base/result.h"
#include "host/files.h"

namespace banger::roles::cli {

void Io::print(std::string_view text) {
  if (out_errno) return;
  if (auto written = host::write_all(out, text); !written)
    out_errno = written.error().sys_errno ? written.error().sys_errno : EIO;
}

void Io::note(std::string_view text) const { (void)host::write_all(err, "banger: " + std::string(text) + "\n"); }

bool Io::out_is_terminal() const { return ::isatty(out); }
bool Io::err_is_terminal() const { return ::isatty(err); }

Colours Io::colours(int fd) const {
  auto no_color = env("NO_COLOR");
  bool refused = no_color && !no_color->empty();
  bool able = env("TERM").value_or("dumb") != "dumb" && ::isatty(fd);
  return able && !refused ? Colours::on : Colours::off;
}

std::string paint(std::string_view text, Paint how, Colours colours) {
  static constexpr std::string_view kCodes[] = {"", "31", "32", "33", "1", "2"};
  if (colours == Colours::off || how == Paint::none) return std::string(text);
  return "\033[" + std::string(kCodes[static_cast<int>(how)]) + "m" + std::string(text) + "\033[0m";
}

namespace {

struct CodePoint {
  char32_t value;
  std::size_t bytes;
};

// Decodes one character of UTF-8. A broken byte counts as one character.
CodePoint decode(std::string_view text) {
  auto first = static_cast<unsigned char>(text[0]);
  std::size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
  if (length == 1) return {first, 1};
  if (text.size() < length) return {0xfffd, 1};
  char32_t value = first & (0x7f >> length);
  for (std::size_t i = 1; i < length; ++i) {
    auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return {0xfffd, 1};
    value = value << 6 | (next & 0x3f);
  }
  return {value, length};
}

// The part of Unicode's East Asian Width (UAX #11) that matters for names. wcwidth(3) requires a locale, and this
// program sets none.
int columns_of(char32_t c) {
  if ((c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200f) || (c >= 0xfe00 && c <= 0xfe0f)) return 0;
  bool wide = (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
              (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
              (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
  return wide ? 2 : 1;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    auto point = decode(text);
    width += static_cast<std::size_t>(columns_of(point.value));
    text.remove_prefix(point.bytes);
  }
  return width;
}

std::string safe_text(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    auto point = decode(text);
    bool broken = point.value == 0xfffd || (point.bytes == 1 && point.value >= 0x80);
    bool control = point.value < 0x20 || (point.value >= 0x7f && point.value < 0xa0);
    if (broken || control)
      safe += '?';
    else
      safe += text.substr(0, point.bytes);
    text.remove_prefix(point.bytes);
  }
  return safe;
}

}  // namespace banger::roles::cli
