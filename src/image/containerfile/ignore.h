// .dockerignore: which files of a build context are left out. Pure.
// Source: the section ".dockerignore file" of Docker's documentation of builds.
//
// A pattern is a path below the context. In it, `*` and `?` match within one name. `**` matches any number of
// directories, and `[…]` one of several characters. The last pattern that matches a path, or a directory above it,
// decides. A `!` before a pattern takes back what others leave out. A line that starts with `#` is a comment.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::image {

/// One pattern without its `!`. Matching takes at most one step for each pair of a token and a byte of the path.
class PathPattern {
 public:
  /// `invalid` for a `[` without its end, an empty range, and a `\` at the end.
  static Result<PathPattern> parse(std::string_view text);
  /// Whether it matches the path or a directory above it.
  bool takes(std::string_view path) const;

 private:
  enum class Kind { one, any, set, star, deep, deep_directories };
  struct Token {
    Kind kind;
    char character = 0;  ///< for Kind::one
    bool negated = false;
    std::vector<std::pair<unsigned char, unsigned char>> ranges = {};  ///< for Kind::set
  };
  static Result<Token> parse_set(std::string_view text, std::size_t& at);
  enum class State : char {
    none,
    inside,  ///< in a directory's name, of which only the '/' leads on
    reached,
  };
  using States = std::vector<State>;
  static bool may_be_empty(const Token& token);
  static bool in_set(const Token& token, char c);
  void close(States& states) const;
  void step(States& next, std::size_t state, char c) const;

  std::vector<Token> tokens_;
};

class IgnoreRules {
 public:
  /// `invalid`, with the line, for what is no pattern. `exhausted` for more than the limits allow.
  static Result<IgnoreRules> parse(std::string_view text);

  /// `path` is relative to the context, without "." or "..": "src/main.c". True once `stop` is set.
  bool ignores(std::string_view path, const std::atomic<bool>* stop = nullptr) const;
  /// Whether a path below an ignored directory may come back. False: nothing below it needs to be looked at.
  bool has_exceptions() const { return has_exceptions_; }

 private:
  struct Rule {
    PathPattern pattern;
    bool exception = false;
  };
  std::vector<Rule> rules_;
  bool has_exceptions_ = false;
};

}  // namespace banger::image
