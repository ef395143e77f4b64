#include "tar/path.h"

#include <fmt/format.h>

#include "base/bounds.h"
#include "base/text.h"

namespace banger::tar {

namespace {

std::unexpected<Error> refuse(std::string_view name, std::string_view why) {
  return fail(ErrorCode::invalid, fmt::format("archive entry '{}' {}", printable(name), why));
}

}  // namespace

Result<std::vector<std::string_view>> split_member(std::string_view name, AbsoluteNames absolute) {
  if (name.empty()) return refuse(name, "has no name");
  if (name.size() > limits::kPathBytes)
    return refuse(name, fmt::format("has a name longer than {} bytes", limits::kPathBytes));
  if (name.front() == '/' && absolute == AbsoluteNames::refuse) return refuse(name, "has an absolute name");
  std::vector<std::string_view> parts;
  for (std::string_view part : split(name, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return refuse(name, "has a '..' component");
    if (part.size() > kNameBytes) return refuse(name, fmt::format("has a component longer than {} bytes", kNameBytes));
    if (part.find('\0') != part.npos) return refuse(name, "has a NUL in its name");
    parts.push_back(part);
  }
  return parts;
}

}  // namespace banger::tar
