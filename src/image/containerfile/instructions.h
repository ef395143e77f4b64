// The instructions of a Containerfile with their words. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::image {

struct Word {
  std::string text;    ///< as it is written
  std::size_t at = 0;  ///< where it begins in the file
};

struct Instruction {
  std::string name;  ///< in lower case
  std::vector<Word> words;
  std::size_t line = 0;  ///< where it begins, from 1
};

/// Joins continued lines, and drops comments. `exhausted` for a file over limits::kContainerfileBytes, `invalid` for a
/// NUL byte.
Result<std::vector<Instruction>> read_instructions(std::string_view containerfile);

/// Without one pair of quotes around it.
std::string unquoted(std::string_view text);

/// `$NAME`, `${NAME}`, `${NAME:-word}` and `${NAME:+word}` with their values. Nothing when a name has no value, or the
/// text has another form of expansion. `exhausted` for a result over limits::kArgumentBytes.
Result<std::optional<std::string>> expand_arguments(std::string_view text,
                                                    const std::map<std::string, std::string>& values);

}  // namespace banger::image
