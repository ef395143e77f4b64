// The environment of a guest: the same value in every place, or no value and a word that says so.
#include "guestcfg/environment.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "catch.h"
#include "guestcfg/bounds.h"
#include "guestcfg/guest_config.h"

using namespace banger;
using namespace banger::guestcfg;
using Environment = std::map<std::string, std::string>;

namespace {

// pam_env(8): a '#' ends a line, a backslash at its end continues it, and a quote before a value and at its end goes.
Environment read_by_pam(const std::string& file) {
  Environment found;
  std::string line;
  for (std::string_view piece : split(file, '\n')) {
    line += piece.substr(0, piece.find('#'));
    if (piece.find('#') == piece.npos && trim(piece).ends_with('\\')) {
      line.resize(line.rfind('\\'));
      continue;
    }
    auto equals = line.find('=');
    if (equals != line.npos) {
      auto value = line.substr(equals + 1);
      if (value.starts_with('"') || value.starts_with('\'')) {
        value.erase(0, 1);
        if (value.ends_with('"') || value.ends_with('\'')) value.pop_back();
      }
      found[line.substr(0, equals)] = value;
    }
    line.clear();
  }
  return found;
}

// systemd.exec(5), EnvironmentFile=: quotes as in a shell, and a backslash escapes outside single quotes.
class SystemdReader {
 public:
  explicit SystemdReader(std::string_view text) : text_(text) {}
  Environment read() {
    Environment found;
    while (at_ < text_.size()) {
      if (text_[at_] == '\n' || text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size() - 1) + 1;
        continue;
      }
      auto equals = text_.find('=', at_);
      std::string name(text_.substr(at_, equals - at_));
      at_ = equals + 1;
      found[name] = value();
    }
    return found;
  }

 private:
  std::string value() {
    std::string value, spaces;
    bool begun = false;
    while (at_ < text_.size() && text_[at_] != '\n') {
      char c = text_[at_++];
      if (!begun && (c == '"' || c == '\'')) {
        value += quoted(c);
      } else if (c == ' ' || c == '\t') {
        spaces += begun ? std::string(1, c) : "";
      } else {
        if (c == '\\') c = at_ < text_.size() ? text_[at_++] : '\0';
        value += spaces + (c == '\n' ? "" : std::string(1, c));
        spaces.clear();
        begun = true;
      }
    }
    ++at_;
    return value;
  }
  std::string quoted(char quote) {
    std::string value;
    while (at_ < text_.size() && text_[at_] != quote) {
      char c = text_[at_++];
      if (quote == '"' && c == '\\' && at_ < text_.size()) {
        char next = text_[at_++];
        if (std::string_view("\"\\`$").find(next) == std::string_view::npos) value += '\\';
        c = next;
      }
      value += c;
    }
    ++at_;
    return value;
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

// All texts of up to three characters that the two readers treat in special ways.
std::vector<std::string> values() {
  const std::vector<std::string> alphabet = {"a", "'", "\"", "\\", " ", "\t", "#", "$", "`", "=", ";", "\xc3\xa9"};
  std::vector<std::string> all = {""}, last = all;
  for (int length = 0; length < 3; ++length) {
    std::vector<std::string> longer;
    for (const auto& text : last)
      for (const auto& c : alphabet) longer.push_back(text + c);
    all.insert(all.end(), longer.begin(), longer.end());
    last = std::move(longer);
  }
  return all;
}

std::string refusal(const Environment& environment) {
  auto checked = check_environment(environment);
  return checked ? "" : checked.error().message;
}

// The environment as a guest reads it from its config.
Result<Environment> in_guest(const Environment& environment) {
  GuestConfig config;
  config.environment = environment;
  auto text = TRY(encode_json(to_json(config, Contents::inline_data)));
  return TRY(from_json(TRY(parse_json(text, limits::kGuestConfigBytes)))).environment;
}

}  // namespace

TEST_CASE("environment: a line of /etc/environment has the same value for both readers, and harms no other line") {
  int lines = 0;
  for (const auto& value : values()) {
    auto line = environment_line("V", value);
    if (!line) continue;
    ++lines;
    CAPTURE(value, *line);
    auto file = "BEFORE=1\n" + *line + "\nAFTER=2\n";
    Environment wanted{{"BEFORE", "1"}, {"V", value}, {"AFTER", "2"}};
    if (read_by_pam(file) != wanted) FAIL_CHECK("pam_env reads another value");
    if (SystemdReader(file).read() != wanted) FAIL_CHECK("systemd reads another value");
  }
  CHECK(lines > 1000);
}

TEST_CASE("environment: ordinary values are lines, and values without a common form are not") {
  auto line = [](std::string_view value) { return environment_line("V", value).value_or("none"); };
  CHECK(line("") == "V=");
  CHECK(line("/usr/bin:/bin") == "V=/usr/bin:/bin");
  CHECK(line("a b") == "V='a b'");
  CHECK(line("a\\") == "V='a\\'");
  CHECK(line("\"q\"") == "V='\"q\"'");
  CHECK(line("it's") == "V=\"it's\"");
  CHECK(line("it's \"q\"") == "V=it's \"q\"");
  for (std::string_view value : {"1\n2", "a#b", "'\"", "it's \\", "\x01", "\x7f", "\r", "\xef\xb7\x90", "\xef\xbf\xbe"})
    CHECK(line(value) == "none");
  CHECK(environment_line("V", std::string(limits::kEnvironmentLineBytes - 2, 'x')));
  CHECK_FALSE(environment_line("V", std::string(limits::kEnvironmentLineBytes - 1, 'x')));
  for (std::string_view name : {"a.b", "a-b", "1a", "", "a b", "\xc3\xa9"}) CHECK_FALSE(environment_line(name, "x"));
}

TEST_CASE("environment: what some programs do not get has a reason for people") {
  CHECK(unreached("A", "b c") == "");
  CHECK(unreached("a.b", "1") == "login shells and services: shells do not accept its name");
  CHECK(unreached("A", "1\n2") == "services and cron jobs: /etc/environment cannot hold its value");
}

TEST_CASE("environment: what the host accepts, the guest accepts unaltered, for every byte in every place") {
  int different = 0, accepted = 0;
  for (int byte = 0; byte < 0x100; ++byte) {
    char c = static_cast<char>(byte);
    for (const auto& text : {std::string(1, c), std::string("a") + c, c + std::string("a"), std::string("\xc3") + c})
      for (const Environment& environment : {Environment{{text, "x"}}, Environment{{"A", text}}}) {
        bool good = check_environment(environment).has_value();
        accepted += good;
        if (good) different += in_guest(environment) != environment;
      }
  }
  CHECK(different == 0);
  CHECK(accepted > 128 * 6);
}

TEST_CASE("environment: anything that no guest could use is refused by name") {
  CHECK(refusal({{"", "x"}}) == "a variable has no name");
  CHECK(refusal({{"A=B", "x"}}) == "the variable 'A=B' has a '=' in its name");
  CHECK(refusal({{"A", std::string("x\0", 2)}}) == "the variable 'A' has a NUL byte");
  CHECK(refusal({{"A", "\xe9"}}) == "the variable 'A' is not UTF-8 text");
  CHECK(refusal({{"A", std::string(limits::kExecStringBytes - 2, 'x')}}) == "");
  CHECK(
      refusal({{"A", std::string(limits::kExecStringBytes - 1, 'x')}}).starts_with("the variable 'A' has over 131071"));
  auto half = std::string(limits::kEnvironmentBytes / 2, 'x');
  CHECK(refusal({{"A", half}, {"B", half}})
            .starts_with("the variables of a VM have 131078 bytes, over the limit of 128K"));
  Environment many;
  for (std::size_t i = 0; i <= limits::kGuestConfigItems; ++i) many[fmt::format("V{}", i)] = "";
  CHECK(refusal(many) == "a VM cannot have over 4096 variables");
  many.erase("V0");
  CHECK(in_guest(many) == many);
}
