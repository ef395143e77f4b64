#include "roles/agent/channel.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <filesystem>

#include "base/bounds.h"
#include "base/text.h"
#include "host/files.h"

namespace banger::roles::agent {

Result<std::string> find_port(std::string_view name, const std::string& sys, const std::string& dev) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(sys, error), end; !error && entry != end; entry.increment(error)) {
    auto label = host::read_file(entry->path().native() + "/name", 256);
    if (label && trim(*label) == name) return fmt::format("{}/{}", dev, entry->path().filename().native());
  }
  return fail(ErrorCode::not_found, fmt::format("there is no virtio-serial port named '{}'", name),
              "the guest kernel needs virtio_console, and the VM the port");
}

Task<Result<UniqueFd>> open_port(host::Runtime& runtime, host::Deadline deadline) {
  for (;;) {
    auto path = find_port(kChannelName);
    auto port = path ? host::open_file(*path, O_RDWR | O_NONBLOCK) : std::unexpected(path.error());
    if (port) co_return port;
    // Found but not made yet (devtmpfs), or held by an agent that is just ending: the port is exclusive.
    if (host::Clock::now() > deadline) co_return fail(ErrorCode::timeout, port.error().message, port.error().hint);
    co_await runtime.sleep_for(limits::kPortPoll);
  }
}

}  // namespace banger::roles::agent
