#include "image/containerfile/instructions.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/letters.h"
#include "base/text.h"
#include "image/containerfile/bounds.h"

namespace banger::image {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

bool in_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/// The character that continues a line. A comment "# escape=`" before everything else changes it.
char escape_of(std::string_view text) {
  for (auto line : split(text, '\n')) {
    line = trim(line);
    if (!line.starts_with('#')) break;
    auto equals = line.find('=');
    if (equals == line.npos) break;
    auto name = lower(trim(line.substr(1, equals - 1))), value = std::string(trim(line.substr(equals + 1)));
    if (name == "escape") return value == "`" ? '`' : '\\';
    if (name != "syntax" && name != "check") break;
  }
  return '\\';
}

/// Adds the words of one line to the instruction. Quotes keep blanks in a word.
void add_words(Instruction& instruction, std::string_view line, std::size_t at) {
  for (std::size_t i = 0; i < line.size();) {
    if (is_blank(line[i])) {
      ++i;
      continue;
    }
    auto begin = i;
    char quote = 0;
    for (; i < line.size() && (quote || !is_blank(line[i])); ++i)
      if (quote ? line[i] == quote : line[i] == '"' || line[i] == '\'') quote = quote ? 0 : line[i];
    std::string word(line.substr(begin, i - begin));
    if (instruction.name.empty())
      instruction.name = lower(word);
    else
      instruction.words.push_back({.text = std::move(word), .at = at + begin});
  }
}

/// `text` begins behind "${", and `at` is the number of characters that were read.
std::optional<std::string> expand_braces(std::string_view text, const std::map<std::string, std::string>& values,
                                         std::size_t& at) {
  auto end = text.find('}');
  if (end == text.npos) return std::nullopt;
  auto inside = text.substr(0, end);
  at = end + 1;
  auto name_end = static_cast<std::size_t>(std::ranges::find_if_not(inside, in_name) - inside.begin());
  auto found = values.find(std::string(inside.substr(0, name_end)));
  bool set = found != values.end() && !found->second.empty();
  auto rest = inside.substr(name_end);
  if (rest.empty()) return found == values.end() ? std::nullopt : std::optional(found->second);
  bool simple = rest.find('$') == rest.npos;
  if (simple && rest.starts_with(":-")) return set ? found->second : std::string(rest.substr(2));
  if (simple && rest.starts_with(":+")) return set ? std::string(rest.substr(2)) : "";
  return std::nullopt;
}

std::unexpected<Error> too_long() {
  return fail(ErrorCode::exhausted,
              fmt::format("a value is longer than {} with its ARGs", format_size(limits::kArgumentBytes)),
              "shorten the values of the ARGs before the first FROM");
}

}  // namespace

std::string unquoted(std::string_view text) {
  bool quoted = text.size() >= 2 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'');
  return std::string(quoted ? text.substr(1, text.size() - 2) : text);
}

Result<std::vector<Instruction>> read_instructions(std::string_view text) {
  if (text.size() > limits::kContainerfileBytes)
    return fail(ErrorCode::exhausted,
                fmt::format("it is larger than the limit of {}", format_size(limits::kContainerfileBytes)));
  if (text.find('\0') != text.npos) return fail(ErrorCode::invalid, "it has a NUL byte, so it is no text");
  const char escape = escape_of(text);
  std::vector<Instruction> instructions;
  Instruction open;
  std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0, number = 0;
  while (at < text.size()) {
    auto end = std::min(text.find('\n', at), text.size());
    auto line = text.substr(at, end - at);
    ++number;
    auto content = trim(line);
    bool nothing = content.empty() || content.starts_with('#');  // also between the lines of one instruction
    if (!nothing) {
      bool continues = content.ends_with(escape);
      if (continues) line = line.substr(0, line.rfind(escape));
      if (open.name.empty()) open.line = number;
      add_words(open, line, at);
      if (!continues && !open.name.empty()) instructions.push_back(std::exchange(open, {}));
    }
    at = end + 1;
  }
  if (!open.name.empty()) instructions.push_back(std::move(open));
  return instructions;
}

Result<std::optional<std::string>> expand_arguments(std::string_view text,
                                                    const std::map<std::string, std::string>& values) {
  std::string result;
  if (text.size() > limits::kArgumentBytes) return too_long();
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '$') {
      result += text[i++];
      continue;
    }
    auto rest = text.substr(i + 1);
    std::size_t read = 0;
    std::optional<std::string> value;
    if (rest.starts_with('{')) {
      value = expand_braces(rest.substr(1), values, read);
      ++read;
    } else {
      read = static_cast<std::size_t>(std::ranges::find_if_not(rest, in_name) - rest.begin());
      auto found = values.find(std::string(rest.substr(0, read)));
      if (found != values.end()) value = found->second;
    }
    if (!value) return std::nullopt;
    // Values of values grow twofold with each line, so a short file would take all memory.
    if (result.size() + value->size() > limits::kArgumentBytes) return too_long();
    result += *value;
    i += 1 + read;
  }
  return result;
}

}  // namespace banger::image
