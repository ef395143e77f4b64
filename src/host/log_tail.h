// Where to begin reading the end of a log. No reader begins within a line.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace banger::host {

/// The beginning of the first line at or after `from` in an open file. `from` itself if no line begins after it.
off_t next_line(int fd, off_t from);

/// The beginning of the last `count` lines at or after `from`. A last line without its end counts too.
off_t last_lines(int fd, off_t from, std::uint64_t count);

}  // namespace banger::host
