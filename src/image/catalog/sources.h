// The sources of a catalog's entry, tried in their order.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "host/runtime.h"
#include "image/catalog/catalog.h"

namespace banger::image::catalog {

/// A source that did not work.
struct FailedSource {
  Source source;
  Error error;
};

/// "bundle https://host/a.tar.zst does not work: 404 Not Found; packages is tried next".
std::string failure_text(const Entry& entry, std::size_t failed, const Error& error);
/// The error when no source worked. With one source, it is that source's error.
Error no_source_worked(const Entry& entry, std::vector<FailedSource> failures);

/// What the first source makes that works. `failed` gets the text of each failure that another source follows. A caller
/// who goes away ends the search.
template <class Asset>
Task<Result<Asset>> try_sources(Entry entry, std::function<Task<Result<Asset>>(Source)> make,
                                std::function<void(std::string_view)> failed, host::Cancel& cancel) {
  std::vector<FailedSource> failures;
  for (std::size_t at = 0; at < entry.sources.size(); ++at) {
    auto made = co_await make(entry.sources[at]);
    if (made || made.error().code == ErrorCode::cancelled) co_return made;
    CO_TRY(cancel.check());
    if (at + 1 < entry.sources.size()) failed(failure_text(entry, at, made.error()));
    failures.push_back({entry.sources[at], std::move(made).error()});
  }
  co_return std::unexpected(no_source_worked(entry, std::move(failures)));
}

}  // namespace banger::image::catalog
