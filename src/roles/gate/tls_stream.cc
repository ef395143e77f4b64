#include "roles/gate/tls_stream.h"

#include "net/bounds.h"
#include "roles/gate/bounds.h"

namespace banger::roles::gate {

/// Shared with pending calls. `below` is null once the stream is gone.
struct TlsStream::Core {
  host::Runtime& runtime;
  std::unique_ptr<net::TcpStream> below;
  certs::Session session;
  CutShort came, goes;
  host::Mutex writing{runtime};
  bool finishing = false, resets = false, left = false;
};

namespace {

std::unexpected<Error> closed() { return fail(ErrorCode::cancelled, "the connection was closed"); }

}  // namespace

TlsStream::TlsStream(host::Runtime& runtime, std::unique_ptr<net::TcpStream> below, certs::Session session,
                     CutShort came, CutShort goes)
    : core_(new Core{runtime, std::move(below), std::move(session), std::move(came), std::move(goes)}) {}

TlsStream::~TlsStream() {
  core_->left = true;
  if (!core_->finishing || core_->resets) core_->below.reset();
}

// REQUIRES: the caller holds the lock of writing.
Task<Result<>> TlsStream::drain(CorePtr core, host::Deadline deadline) {
  while (core->below && core->session.has_output())
    CO_TRY(co_await core->below->write(core->session.take_output(), deadline));
  co_return core->below ? Result<>() : closed();
}

Task<Result<>> TlsStream::flush(CorePtr core, host::Deadline deadline) {
  auto lock = co_await core->writing.lock();
  co_return co_await drain(core, deadline);
}

// False when the peer's bytes have ended.
Task<Result<bool>> TlsStream::fill(CorePtr core, host::Deadline deadline) {
  if (!core->below) co_return closed();
  auto bytes = CO_TRY(co_await core->below->read(deadline));
  if (bytes.empty()) co_return false;
  core->session.receive(std::move(bytes));
  co_return true;
}

Task<Result<std::string>> TlsStream::shake(std::string first, host::Deadline deadline) {
  core_->session.receive(std::move(first));
  return shake_hands(core_, deadline);
}

Task<Result<std::string>> TlsStream::shake_hands(CorePtr core, host::Deadline deadline) {
  for (;;) {
    auto done = core->session.shake();
    // Also when the handshake has failed: the peer gets an alert.
    auto sent = co_await flush(core, deadline);
    if (!done) co_return std::unexpected(std::move(done.error()));
    CO_TRY(std::move(sent));
    if (*done) co_return core->session.protocol();
    if (!CO_TRY(co_await fill(core, deadline)))
      co_return fail(ErrorCode::unavailable, "the other end closed the connection within the TLS handshake");
  }
}

// OpenSSL may have an answer for the peer. A writer that is at work sends it too, and a reader must not wait for that.
Task<Result<std::string>> TlsStream::read_from(CorePtr core, host::Deadline deadline) {
  for (;;) {
    auto content = core->session.read(limits::kTcpReadBytes);
    if (core->session.has_output() && !core->writing.held()) CO_TRY(co_await flush(core, deadline));
    if (!content) co_return std::unexpected(std::move(content.error()));
    if (*content) co_return std::move(**content);
    if (CO_TRY(co_await fill(core, deadline))) continue;
    *core->came = true;
    co_return "";
  }
}

Task<Result<>> TlsStream::write_to(CorePtr core, std::string bytes, host::Deadline deadline) {
  auto lock = co_await core->writing.lock();
  CO_TRY(core->session.write(bytes));
  co_return co_await drain(core, deadline);
}

Task<> TlsStream::finish(CorePtr core) {
  auto until = host::after(limits::kLastWordPatience);
  auto lock = co_await core->writing.lock();
  if (!*core->goes) core->session.end();
  // After a failure, the next call on the stream fails too.
  (void)co_await drain(core, until);
  core->finishing = false;
  if (core->below) core->below->shutdown_write();
  if (core->left) core->below.reset();
}

Task<Result<std::string>> TlsStream::read(host::Deadline deadline) { return read_from(core_, deadline); }

Task<Result<>> TlsStream::write(std::string bytes, host::Deadline deadline) {
  return write_to(core_, std::move(bytes), deadline);
}

void TlsStream::shutdown_write() {
  if (std::exchange(core_->finishing, true)) return;
  core_->runtime.spawn(finish(core_));
}

void TlsStream::reset_at_end() {
  core_->resets = true;
  if (core_->below) core_->below->reset_at_end();
}

Task<> TlsStream::gone() { return core_->below->gone(); }
bool TlsStream::is_from(uid_t owner) const { return core_->below->is_from(owner); }
net::TcpEnds TlsStream::ends() const { return core_->below->ends(); }
std::optional<host::Endpoint> TlsStream::wanted() const { return core_->below->wanted(); }

}  // namespace banger::roles::gate
