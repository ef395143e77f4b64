// The option --format of commands that print objects: a template with fields of the JSON object. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/object.h"
#include "base/json.h"
#include "roles/cli/command.h"

namespace banger::roles::cli {

inline constexpr Option kFormatOption{
    .name = "format",
    .kind = Kind::text,
    .value = "TEMPLATE",
    .help = "print a line like '{name}\\t{state}', with fields of the JSON; \\t and \\n are a tab and a line end"};

/// A template, as `{name} {labels.ci}\n`. `{{` and `}}` are braces, `\t`, `\n` and `\\` are a tab, a line end and a
/// backslash.
class TemplateText {
 public:
  /// `invalid` for a field that the object does not have, with all fields as a hint, and for a brace without the other.
  static Result<TemplateText> parse(std::string_view text, const api::Object& object);
  /// One line, with its end. Lists and maps are joined with commas. The object's texts are made safe for a terminal.
  std::string line(const Json& object) const;

 private:
  struct Part {
    std::string literal;
    std::string field = {}, key = {};  ///< of a map
  };
  std::vector<Part> parts_;
};

/// The template of --format, or an error in the command line, for Context::usage(). REQUIRES: --format was given.
Result<TemplateText> template_of(const Args& args, const api::Object& object);

}  // namespace banger::roles::cli
