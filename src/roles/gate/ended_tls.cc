#include "roles/gate/ended_tls.h"

#include <algorithm>

#include "roles/gate/bounds.h"
#include "roles/gate/http.h"
#include "roles/gate/http2.h"

namespace banger::roles::gate {

namespace {

constexpr std::string_view kHttp1 = "http/1.1", kHttp2 = "h2";
/// What the gate speaks inside TLS, by its names in ALPN.
constexpr std::string_view kSpoken[] = {kHttp2, kHttp1};

certs::Protocols common_protocols(const egress::ClientHello& hello) {
  certs::Protocols common;
  for (const auto& protocol : hello.protocols)
    if (std::ranges::find(kSpoken, protocol) != std::end(kSpoken)) common.push_back(protocol);
  return common;
}

Task<Result<std::string>> meet_server(FlowPtr flow, const std::string& host, const certs::Protocols& protocols) {
  auto session = CO_TRY(flow->guest().tls().trust->connect(host, protocols));
  co_return co_await flow->start_tls(Flow::Side::outside, std::move(session));
}

Task<Result<std::string>> meet_guest(FlowPtr flow, const std::string& host, const std::string& protocol,
                                     std::string first) {
  auto session = CO_TRY(flow->guest().tls().issuer->accept(host, protocol));
  co_return co_await flow->start_tls(Flow::Side::guest, std::move(session), std::move(first));
}

egress::Reason reason_of(const Error& error) {
  return error.code == ErrorCode::denied ? egress::Reason::certificate_refused : egress::Reason::tls_failed;
}

std::string answer_of_trouble(const Error& error) {
  return answer_of("502 Bad Gateway", "the host's TLS connection has failed: " + error.message);
}

// The answer waits for the request, as clients expect it.
Task<> answer_trouble(FlowPtr flow, Error error) {
  auto request = co_await flow->read_guest(host::after(limits::kFirstWordsPatience));
  if (!request || request->empty()) co_return;
  co_await Flow::say_and_end(flow, answer_of_trouble(error));
}

}  // namespace

Task<> end_tls(FlowPtr flow, std::string first, egress::ClientHello hello) {
  auto note = [&](egress::Reason reason) { flow->note_refusal({.reason = reason, .name = hello.sni}); };
  auto protocols = common_protocols(hello);
  if (protocols.empty() && !hello.protocols.empty()) {
    note(egress::Reason::no_common_protocol);
    co_return co_await Flow::say_and_end(flow, tls_alert(TlsAlert::no_application_protocol));
  }
  if (!co_await flow->connect()) co_return;
  auto outside = co_await meet_server(flow, hello.sni, protocols);
  if (flow->over()) co_return;
  if (!outside) note(reason_of(outside.error()));
  auto inside = co_await meet_guest(flow, hello.sni, outside.value_or(std::string(kHttp1)), std::move(first));
  if (flow->over()) co_return;
  if (!inside) co_return note(egress::Reason::guest_ended_tls);
  if (!outside) co_return co_await answer_trouble(flow, std::move(outside.error()));
  if (*outside == kHttp2) co_return co_await pass_http2(flow, hello.sni);
  // In TLS 1.3 a server refuses a client without a certificate only after the handshake.
  flow->set_last_word(answer_of_trouble);
  Flow::start_answers(flow);
  co_await pass_ended(flow, hello.sni);
}

std::string tls_alert(TlsAlert alert) {
  std::string record("\x15\x03\x03\x00\x02\x02", 6);
  return record + static_cast<char>(alert);
}

}  // namespace banger::roles::gate
