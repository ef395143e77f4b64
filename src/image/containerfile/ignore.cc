#include "image/containerfile/ignore.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "image/containerfile/bounds.h"

namespace banger::image {

namespace {

/// Without ".", "..", doubled and outer slashes. A ".." at the beginning leads to the context itself.
std::string clean(std::string_view path) {
  std::vector<std::string> parts;
  for (auto part : split(path, '/')) {
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (part.empty() || part == "." || part == "..") continue;
    parts.emplace_back(part);
  }
  return join(parts, "/");
}

std::unexpected<Error> bad(std::string_view pattern, std::string_view why) {
  return fail(ErrorCode::invalid, fmt::format("'{}' is no pattern: {}", printable(pattern, 80), why));
}

}  // namespace

Result<PathPattern::Token> PathPattern::parse_set(std::string_view text, std::size_t& at) {
  Token set{.kind = Kind::set};
  auto next = [&]() -> Result<unsigned char> {
    if (at < text.size() && text[at] == '\\') ++at;
    if (at >= text.size()) return bad(text, "a '[' has no ']'");
    return static_cast<unsigned char>(text[at++]);
  };
  if (at < text.size() && text[at] == '^') set.negated = ++at;
  while (at >= text.size() || text[at] != ']' || set.ranges.empty()) {
    auto low = TRY(next()), high = low;
    if (at + 1 < text.size() && text[at] == '-' && text[at + 1] != ']') high = (++at, TRY(next()));
    if (high < low) return bad(text, "a range in '[…]' is upside down");
    set.ranges.emplace_back(low, high);
  }
  ++at;
  return set;
}

Result<PathPattern> PathPattern::parse(std::string_view text) {
  PathPattern pattern;
  auto& tokens = pattern.tokens_;
  for (std::size_t at = 0; at < text.size();) {
    char c = text[at++];
    if (c == '*' && at < text.size() && text[at] == '*') {
      ++at;
      if (at < text.size() && text[at] == '/') ++at;
      tokens.push_back({.kind = at == text.size() ? Kind::deep : Kind::deep_directories});
    } else if (c == '*') {
      tokens.push_back({.kind = Kind::star});
    } else if (c == '?') {
      tokens.push_back({.kind = Kind::any});
    } else if (c == '[') {
      tokens.push_back(TRY(parse_set(text, at)));
    } else if (c == '\\') {
      if (at == text.size()) return bad(text, "it ends with a '\\'");
      tokens.push_back({.kind = Kind::one, .character = text[at++]});
    } else {
      tokens.push_back({.kind = Kind::one, .character = c});
    }
  }
  return pattern;
}

bool PathPattern::in_set(const Token& token, char c) {
  auto byte = static_cast<unsigned char>(c);
  bool inside =
      std::ranges::any_of(token.ranges, [&](auto range) { return range.first <= byte && byte <= range.second; });
  return inside != token.negated;
}

/// A state is the number of tokens that are done. Tokens that may match nothing are passed at once.
void PathPattern::reach(std::vector<bool>& states, std::size_t state) const {
  for (;; ++state) {
    states[state] = true;
    if (state == tokens_.size()) return;
    auto kind = tokens_[state].kind;
    if (kind != Kind::star && kind != Kind::deep && kind != Kind::deep_directories) return;
  }
}

void PathPattern::step(std::vector<bool>& next, std::size_t state, char c) const {
  if (state == tokens_.size()) return;
  const auto& token = tokens_[state];
  switch (token.kind) {
    case Kind::one:
      if (c == token.character) reach(next, state + 1);
      return;
    case Kind::any:
      if (c != '/') reach(next, state + 1);
      return;
    case Kind::set:
      if (in_set(token, c)) reach(next, state + 1);
      return;
    case Kind::star:
      if (c != '/') reach(next, state);
      return;
    case Kind::deep:
      return reach(next, state);
    case Kind::deep_directories:
      // Inside of a directory's name only its '/' leads on.
      next[state] = true;
      if (c == '/') reach(next, state + 1);
      return;
  }
}

bool PathPattern::matches(std::string_view path) const {
  std::vector<bool> states(tokens_.size() + 1), next(tokens_.size() + 1);
  reach(states, 0);
  for (char c : path) {
    std::fill(next.begin(), next.end(), false);
    for (std::size_t state = 0; state < states.size(); ++state)
      if (states[state]) step(next, state, c);
    std::swap(states, next);
  }
  return states.back();
}

Result<IgnoreRules> IgnoreRules::parse(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  IgnoreRules rules;
  std::size_t number = 0;
  for (auto line : split(text, '\n')) {
    auto context = fmt::format("line {}", ++number);
    if (line.starts_with('#')) continue;
    line = trim(line);
    if (line.empty()) continue;
    bool exception = line.starts_with('!');
    if (exception) line = trim(line.substr(1));
    if (line.empty()) return in(context, Result<IgnoreRules>(fail(ErrorCode::invalid, "a '!' has no pattern")));
    if (line.size() > limits::kIgnorePatternBytes || rules.rules_.size() == limits::kIgnorePatterns)
      return in(context, Result<IgnoreRules>(fail(ErrorCode::exhausted, "this is too long for a list of patterns")));
    auto path = clean(line);
    if (path.empty()) continue;  // the context itself cannot be left out
    rules.rules_.push_back({.pattern = TRY(in(context, PathPattern::parse(path))), .exception = exception});
    rules.has_exceptions_ |= exception;
  }
  return rules;
}

bool IgnoreRules::ignores(std::string_view path) const {
  auto rule_matches = [&](const PathPattern& pattern) {
    for (auto end = path.find('/'); end != path.npos; end = path.find('/', end + 1))
      if (pattern.matches(path.substr(0, end))) return true;
    return pattern.matches(path);
  };
  bool ignored = false;
  for (const auto& rule : rules_)
    if (rule.exception == ignored && rule_matches(rule.pattern)) ignored = !rule.exception;
  return ignored;
}

}  // namespace banger::image
