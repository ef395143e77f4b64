#include "roles/cli/io.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "base/result.h"
#include "base/text.h"
#include "base/utf8.h"
#include "host/files.h"
#include "roles/cli/bounds.h"

namespace banger::roles::cli {

void Io::print(std::string_view text) {
  if (out_errno) return;
  if (auto written = host::write_all(out, text); !written)
    out_errno = written.error().sys_errno ? written.error().sys_errno : EIO;
}

bool Io::has_reader() {
  pollfd end{out, 0, 0};
  bool gone = ::poll(&end, 1, 0) > 0;  // without events, only failures are told
  if (gone && out_errno == 0) out_errno = EPIPE;
  return out_errno == 0;
}

void Io::note(std::string_view text) const { (void)host::write_all(err, "banger: " + std::string(text) + "\n"); }

bool Io::can_ask() const { return ::isatty(in) && ::isatty(err); }

bool Io::ask(std::string_view question) const {
  (void)host::write_all(err, fmt::format("banger: {} [y/N] ", question));
  char text[limits::kAnswerBytes];
  auto count = ::read(in, text, sizeof text);
  auto answer = trim({text, count < 0 ? 0 : static_cast<std::size_t>(count)});
  return answer == "y" || answer == "Y" || answer == "yes";
}

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

// The first character. A broken byte counts as one character.
Utf8Character decode(std::string_view text) {
  auto character = first_character(text);
  return character.bytes ? character : Utf8Character{0xfffd, 1};
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
    auto character = decode(text);
    width += static_cast<std::size_t>(columns_of(character.point));
    text.remove_prefix(character.bytes);
  }
  return width;
}

std::string safe_text(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    auto character = decode(text);
    bool broken = character.point == 0xfffd;
    bool control = character.point < 0x20 || (character.point >= 0x7f && character.point < 0xa0);
    if (broken || control)
      safe += '?';
    else
      safe += text.substr(0, character.bytes);
    text.remove_prefix(character.bytes);
  }
  return safe;
}

}  // namespace banger::roles::cli
