#include "certs/session.h"

#include <algorithm>
#include <utility>

#include "certs/bounds.h"
#include "certs/openssl.h"
#include "http/tls.h"

namespace banger::certs {

namespace {

/// What OpenSSL reads and writes instead of a socket.
struct Wire {
  std::string input, output;
  std::size_t used = 0;  ///< bytes of the input
};

Wire& wire_of(BIO* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }

int read_wire(BIO* bio, char* bytes, int size) {
  auto& wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  auto taken = std::min(static_cast<std::size_t>(size), wire.input.size() - wire.used);
  if (taken == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  wire.input.copy(bytes, taken, wire.used);
  wire.used += taken;
  return static_cast<int>(taken);
}

int write_wire(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  wire_of(bio).output.append(bytes, static_cast<std::size_t>(size));
  return size;
}

long control_wire(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH; }

const BIO_METHOD* wire_method() {
  static const BIO_METHOD* const method = [] {
    auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
    if (!made) return made;
    BIO_meth_set_read(made, read_wire);
    BIO_meth_set_write(made, write_wire);
    BIO_meth_set_ctrl(made, control_wire);
    return made;
  }();
  return method;
}

}  // namespace

struct Session::Parts {
  Wire wire;
  std::string preferred;
  std::unique_ptr<SSL, Freed<SSL_free>> tls;  // ends before the wire
};

Session::Session(ssl_st* tls) : parts_(std::make_unique<Parts>()) {
  parts_->tls.reset(tls);
  auto* bio = BIO_new(wire_method());
  if (!bio || !tls) {
    BIO_free_all(bio);
    return;
  }
  BIO_set_data(bio, &parts_->wire);
  BIO_set_init(bio, 1);
  SSL_set_bio(tls, bio, bio);
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;

void Session::prefer(std::string protocol) {
  parts_->preferred = std::move(protocol);
  SSL_set_app_data(parts_->tls.get(), &parts_->preferred);
}

void Session::receive(std::string bytes) {
  auto& wire = parts_->wire;
  if (wire.used < wire.input.size()) bytes.insert(0, wire.input, wire.used);
  wire.input = std::move(bytes);
  wire.used = 0;
}

Result<bool> Session::shake() {
  auto* tls = parts_->tls.get();
  ERR_clear_error();
  int done = SSL_do_handshake(tls);
  if (done == 1) return true;
  if (SSL_get_error(tls, done) == SSL_ERROR_WANT_READ) return false;
  auto error = http::tls_error(tls);
  // An alert of the peer says nothing about its certificate.
  if (error.code == ErrorCode::denied && SSL_get_verify_result(tls) == X509_V_OK) error.code = ErrorCode::unavailable;
  return std::unexpected(std::move(error));
}

Result<std::optional<std::string>> Session::read(std::size_t most) {
  auto* tls = parts_->tls.get();
  std::string content;
  for (;;) {
    constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;
    auto before = content.size();
    if (most - before < kRecord && before > 0) return content;
    std::size_t size = 0;
    ERR_clear_error();
    content.resize(before + std::min(most - before, kRecord));
    int done = SSL_read_ex(tls, content.data() + before, content.size() - before, &size);
    content.resize(before + size);
    if (done == 1) continue;
    // What was read before an error or the end counts first. The next call meets it again.
    if (before > 0) return content;
    auto error = SSL_get_error(tls, done);
    if (error == SSL_ERROR_ZERO_RETURN) return "";
    if (error != SSL_ERROR_WANT_READ) return std::unexpected(http::tls_error(tls));
    if (parts_->wire.output.size() > limits::kTlsUnsentBytes)
      return fail(ErrorCode::corrupt, "the other side sends messages of TLS without end, and no content");
    return std::nullopt;
  }
}

Result<> Session::write(std::string_view content) {
  auto* tls = parts_->tls.get();
  std::size_t written = 0;
  ERR_clear_error();
  // The wire takes everything, so one call writes all.
  if (content.empty() || SSL_write_ex(tls, content.data(), content.size(), &written) == 1) return {};
  return std::unexpected(http::tls_error(tls));
}

void Session::end() {
  SSL_shutdown(parts_->tls.get());
  ERR_clear_error();
}

std::string Session::take_output() { return std::exchange(parts_->wire.output, {}); }
bool Session::has_output() const { return !parts_->wire.output.empty(); }

std::string Session::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(parts_->tls.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

bool prepare(ssl_ctx_st* context) {
  if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) return false;
  // A resumed session would pass by the check of its certificate, and its keys would stay in memory.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  return true;
}

}  // namespace banger::certs
