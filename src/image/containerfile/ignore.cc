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

bool PathPattern::may_be_empty(const Token& token) {
  return token.kind == Kind::star || token.kind == Kind::deep || token.kind == Kind::deep_directories;
}

bool PathPattern::in_set(const Token& token, char c) {
  auto byte = static_cast<unsigned char>(c);
  bool inside =
      std::ranges::any_of(token.ranges, [&](auto range) { return range.first <= byte && byte <= range.second; });
  return inside != token.negated;
}

/// A state is the number of tokens that are done. Tokens that may match nothing are passed at once. One pass does,
/// because each state leads only to the next one.
void PathPattern::close(States& states) const {
  for (std::size_t state = 0; state < tokens_.size(); ++state)
    if (states[state] == State::reached && may_be_empty(tokens_[state])) states[state + 1] = State::reached;
}

void PathPattern::step(States& next, std::size_t state, char c) const {
  const auto& token = tokens_[state];
  switch (token.kind) {
    case Kind::one:
      if (c == token.character) next[state + 1] = State::reached;
      return;
    case Kind::any:
      if (c != '/') next[state + 1] = State::reached;
      return;
    case Kind::set:
      if (in_set(token, c)) next[state + 1] = State::reached;
      return;
    case Kind::star:
      if (c != '/') next[state] = State::reached;
      return;
    case Kind::deep:
      next[state] = State::reached;
      return;
    case Kind::deep_directories:
      // A step of the state before may have reached it anew, which leads further.
      if (next[state] == State::none) next[state] = State::inside;
      if (c == '/') next[state + 1] = State::reached;
      return;
  }
}

bool PathPattern::takes(std::string_view path) const {
  States states(tokens_.size() + 1), next(tokens_.size() + 1);
  states[0] = State::reached;
  close(states);
  for (char c : path) {
    if (c == '/' && states.back() == State::reached) return true;
    std::ranges::fill(next, State::none);
    bool alive = false;
    for (std::size_t state = 0; state < tokens_.size(); ++state) {
      if (states[state] == State::none) continue;
      step(next, state, c);
      alive = true;
    }
    if (!alive) return false;
    close(next);
    std::swap(states, next);
  }
  return states.back() == State::reached;
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

bool IgnoreRules::ignores(std::string_view path, const std::atomic<bool>* stop) const {
  bool ignored = false;
  for (const auto& rule : rules_) {
    if (stop && stop->load(std::memory_order_relaxed)) return true;
    if (rule.exception == ignored && rule.pattern.takes(path)) ignored = !rule.exception;
  }
  return ignored;
}

}  // namespace banger::image
