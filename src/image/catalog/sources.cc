#include "image/catalog/sources.h"

#include <fmt/format.h>

#include "base/text.h"

namespace banger::image::catalog {

std::string failure_text(const Entry& entry, std::size_t failed, const Error& error) {
  return fmt::format("{} does not work: {}; next is {}", to_string(entry.sources[failed]), error.message,
                     to_string(entry.sources[failed + 1]));
}

Error no_source_worked(const Entry& entry, std::vector<FailedSource> failures) {
  if (failures.size() == 1) return std::move(failures.front().error);
  std::vector<std::string> reasons;
  for (const auto& failure : failures)
    reasons.push_back(fmt::format("{}: {}", to_string(failure.source), failure.error.message));
  Error error{.code = failures.back().error.code,
              .message = fmt::format("no source of {} '{}' works: {}", word_of(kBundleKindWords, entry.kind),
                                     entry.name, join(reasons, "; ")),
              .hint = failures.back().error.hint};
  return error;
}

}  // namespace banger::image::catalog
