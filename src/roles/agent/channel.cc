#include "roles/agent/channel.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/vm_sockets.h>  // after <sys/socket.h>, which it requires
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/text.h"
#include "guestcfg/guest_config.h"
#include "host/files.h"
#include "roles/agent/bounds.h"

namespace banger::roles::agent {

Result<std::string> find_port(std::string_view name, const std::string& sys, const std::string& dev) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(sys, error), end; !error && entry != end; entry.increment(error)) {
    auto label = host::read_file(entry->path().native() + "/name", 256);
    if (label && trim(*label) == name) return fmt::format("{}/{}", dev, entry->path().filename().native());
  }
  return fail(ErrorCode::not_found, fmt::format("there is no virtio-serial port named '{}'", name),
              "give the guest kernel virtio_console and the VM the port, or give the VM a vsock");
}

bool has_vsock(const std::string& device) {
  auto file = host::open_file(device, O_RDONLY);
  unsigned int cid = VMADDR_CID_ANY;
  if (!file || ::ioctl(file->get(), IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid) < 0) return false;
  // Without a device, the driver has no address or the loopback's address.
  return cid != VMADDR_CID_ANY && cid > VMADDR_CID_HOST;
}

Result<UniqueFd> listen_vsock() {
  UniqueFd fd(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("vsock");
  sockaddr_vm address{};
  address.svm_family = AF_VSOCK;
  address.svm_cid = VMADDR_CID_ANY;
  address.svm_port = guestcfg::kAgentVsockPort;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 || ::listen(fd.get(), 8) < 0)
    return fail_errno(fmt::format("vsock port {}", guestcfg::kAgentVsockPort));
  return fd;
}

namespace {

// Processes of the guest can reach the port too, through the vsock's loopback.
bool from_host(const sockaddr_storage& peer) {
  if (peer.ss_family != AF_VSOCK) return true;
  sockaddr_vm address{};
  std::memcpy(&address, &peer, sizeof address);
  return address.svm_cid == VMADDR_CID_HOST;
}

}  // namespace

Task<Result<UniqueFd>> accept_host(host::Runtime& runtime, int listener) {
  for (;;) {
    CO_TRY(co_await host::wait_readable(runtime, listener));
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    UniqueFd connection(::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection && from_host(peer)) co_return connection;
    // A connection that closed before it was accepted is not an error of the listener.
    bool passing = connection || errno == EAGAIN || errno == EINTR || errno == ECONNABORTED || errno == ECONNRESET;
    if (!passing) co_return fail_errno("accept the host's connection");
  }
}

Task<Result<Channel>> open_channel(host::Runtime& runtime, host::Deadline deadline) {
  for (;;) {
    auto path = find_port(kChannelName);
    if (!path && has_vsock()) co_return Channel{.port = {}, .listener = CO_TRY(listen_vsock())};
    auto port = path ? host::open_file(*path, O_RDWR | O_NONBLOCK) : std::unexpected(path.error());
    if (port) co_return Channel{.port = std::move(*port), .listener = {}};
    // The port's device may not exist yet (devtmpfs), or an ending agent may still hold the exclusive port.
    if (host::Clock::now() > deadline) co_return fail(ErrorCode::timeout, port.error().message, port.error().hint);
    co_await runtime.sleep_for(limits::kPortPoll);
  }
}

}  // namespace banger::roles::agent
