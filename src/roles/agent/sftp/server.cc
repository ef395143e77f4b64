#include "roles/agent/sftp/server.h"

#include <unistd.h>

#include <cerrno>

#include "host/files.h"
#include "roles/agent/bounds.h"
#include "roles/agent/sftp/files.h"

namespace banger::roles::agent::sftp {

namespace {

// False at the end of the bytes.
bool read_exactly(int fd, char* to, std::size_t count) {
  while (count > 0) {
    auto got = ::read(fd, to, count);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    count -= static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

void serve(int in, int out, const std::string& home) {
  Files files(home);
  std::string message;
  for (char head[4]; read_exactly(in, head, sizeof head);) {
    auto size = Reader(std::string_view(head, sizeof head)).number();
    if (size == 0 || size > limits::kSftpMessageBytes) return;
    message.resize(size);
    if (!read_exactly(in, message.data(), size)) return;
    std::uint32_t id = 0;
    auto request = parse_request(message, id);
    auto answer = request ? files.answer(*request) : bad_message(id);
    auto whole = Writer().text(answer).take();
    if (!host::write_all(out, whole)) return;
  }
}

}  // namespace banger::roles::agent::sftp
