#include "host/inherited_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>

namespace banger::host {

std::optional<UniqueFd> inherited_fd(std::string_view text) {
  int number = -1;
  const auto* last = text.data() + text.size();
  auto [end, error] = std::from_chars(text.data(), last, number);
  bool named = error == std::errc{} && end == last && number > STDERR_FILENO;
  if (!named || ::fcntl(number, F_SETFD, FD_CLOEXEC) < 0) return std::nullopt;
  return UniqueFd(number);
}

}  // namespace banger::host
