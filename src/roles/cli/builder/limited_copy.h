// Pipes, and copies of streams that end in a file of the cache.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "image/stoppable.h"

namespace banger::roles::cli {

struct BytePipe {
  UniqueFd reader, writer;
  static Result<BytePipe> make();
};

/// Copies until the end of `from`. `exhausted` for more than `most` bytes, and when the disk of `directory` becomes so
/// full that its other users suffer. Blocks, but returns `cancelled` soon after `stop` is set.
Result<> copy_limited(int from, int to, const std::string& directory, std::uint64_t most,
                      const image::StopFlag* stop = nullptr);

/// Copies until the end of `from`, or until the pipe that `watched` writes to has no reader. So a `from` that never
/// ends keeps nobody waiting. Returns whether the end was reached. Blocks.
Result<bool> copy_while_read(int from, int to, int watched);

}  // namespace banger::roles::cli
