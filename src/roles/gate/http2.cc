#include "roles/gate/http2.h"

#include <fmt/format.h>

#include "egress/bounds.h"
#include "egress/http2_relay.h"
#include "roles/gate/bounds.h"
#include "roles/gate/secret_trouble.h"

namespace banger::roles::gate {

namespace {

using egress::Http2Refusal;
using Fields = std::vector<egress::HttpField>;
enum class Toward { guest, outside };

Http2Refusal refusal_of(Flow& flow, const Verdict& verdict, int status, std::string_view sentence) {
  flow.note_refusal(verdict);
  return {.status = status, .text = fmt::format("banger: {}", sentence)};
}

std::optional<Http2Refusal> put_secrets(Flow& flow, const std::string& host, Fields& fields) {
  auto to = flow.to();
  std::size_t left = limits::kSwappedHeadBytes;
  for (auto& [name, value] : fields) {
    if (name.starts_with(':')) continue;
    auto made = flow.guest().secrets().swap_field(name, value, host, to.port, left);
    if (auto trouble = trouble_of(made, host, to))
      return refusal_of(flow, trouble->verdict, trouble->status, trouble->sentence);
    left -= made.text.size();
    if (made.outcome == egress::Swapped::swapped) value = std::move(made.text);
  }
  return std::nullopt;
}

std::optional<Http2Refusal> judge(Flow& flow, const std::string& host, Fields& fields) {
  auto verdict = egress::judge_inside_tls(host, flow.to(), fields);
  if (verdict.allowed()) return put_secrets(flow, host, fields);
  auto error = egress::to_error(verdict, flow.to());
  return refusal_of(flow, verdict, 403, "the egress policy of this VM refuses the request: " + error.sentence());
}

/// Two readers and two writers of one connection share it.
struct Relayed {
  Relayed(FlowPtr of, std::string name)
      : flow(std::move(of)),
        relay([this, host = std::move(name)](Fields& fields) { return judge(*flow, host, fields); }) {}
  FlowPtr flow;
  egress::Http2Relay relay;
  int writers = 2;
};
using RelayedPtr = std::shared_ptr<Relayed>;

Task<> read_side(RelayedPtr relayed, Toward side) {
  auto& [flow, relay, writers] = *relayed;
  bool guest = side == Toward::guest;
  while (!flow->over() && !relay.over()) {
    if (guest ? !relay.wants_guest() : !relay.wants_outside()) {
      co_await flow->wait();
      continue;
    }
    auto bytes = guest ? co_await flow->read_guest() : co_await flow->read_outside();
    if (!bytes) co_return;
    bool ended = bytes->empty();
    if (ended)
      guest ? relay.end_guest() : relay.end_outside();
    else
      guest ? relay.feed_guest(*bytes, now()) : relay.feed_outside(*bytes, now());
    flow->wake();
    if (ended) co_return;
  }
}

Task<> write_side(RelayedPtr relayed, Toward side) {
  auto& [flow, relay, writers] = *relayed;
  bool guest = side == Toward::guest;
  while (!flow->over()) {
    auto bytes = guest ? relay.take_for_guest() : relay.take_for_outside();
    if (bytes.empty() && relay.over()) break;
    if (bytes.empty()) {
      co_await flow->wait();
      continue;
    }
    flow->wake();
    bool written =
        guest ? co_await flow->write_guest(std::move(bytes)) : co_await flow->write_outside(std::move(bytes));
    if (!written) co_return;
  }
  if (--writers == 0) Flow::end_both(flow);
}

}  // namespace

Task<> pass_http2(FlowPtr flow, std::string host) {
  auto relayed = std::make_shared<Relayed>(flow, std::move(host));
  flow->spawn(read_side(relayed, Toward::guest));
  flow->spawn(read_side(relayed, Toward::outside));
  flow->spawn(write_side(relayed, Toward::guest));
  co_await write_side(relayed, Toward::outside);
}

}  // namespace banger::roles::gate
