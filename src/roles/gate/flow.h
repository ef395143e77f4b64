// One connection of a guest through the gate: the guest's side, and the side outside once it is connected. Bytes pass
// unchanged. If the gate ends TLS on both sides, these are the bytes inside it. Who reads the guest's side decides what
// goes out (tls.h, http.h, proxy.cc); answers pass by themselves.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/tcp.h"
#include "roles/gate/guests.h"
#include "roles/gate/tls_stream.h"

namespace banger::roles::gate {

class Flow;
using FlowPtr = std::shared_ptr<Flow>;

class Flow final : public Passage {
 public:
  Flow(host::Runtime& runtime, GuestPtr guest, Destination to, std::unique_ptr<net::TcpStream> stream);
  ~Flow() override;
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  bool is_allowed_by(const egress::Policy& policy) const override;
  /// Both sides end with a reset. Whoever waits for one of them goes on, and gets nothing more.
  void cut() override;
  bool over() const { return over_; }

  Guest& guest() { return *guest_; }
  Destination to() const { return to_; }

  /// The connection goes on, by the name of the verdict. The first call is the connection's entry in the log.
  void allow(const Verdict& verdict);
  /// Only writes to the log.
  void note_refusal(const Verdict& verdict);

  // After cut(), these return nothing, or false.

  /// The guest's next bytes; empty at their end. Cuts the flow when they do not come in time.
  Task<std::optional<std::string>> read_guest(host::Deadline deadline = host::Deadline::max());
  Task<bool> write_guest(std::string bytes);
  /// Connects to the destination. Cuts the flow when that fails. A connection that exists is closed before, and the
  /// answers that pass from there end. REQUIRES: not answered.
  Task<bool> connect();
  bool connected() const { return outside_ != nullptr; }
  /// From now on the flow leads to `to` by way of the proxy that it led to before. connect() asks the proxy for a
  /// tunnel with this head, or for nothing if the head is empty.
  void go_through_proxy(Destination to, std::string head) { proxy_ = {to_, std::move(head)}, to_ = to; }
  /// The proxy's answer if it was the reason why the first connect() has failed. The flow then goes on. Else empty.
  std::string take_proxy_refusal() { return std::exchange(refusal_, {}); }
  /// Bytes of the guest that were read and are for the next reader.
  void put_back(std::string bytes) { unread_ = std::move(bytes); }
  Task<bool> write_outside(std::string bytes);
  /// The guest sends no more. Completes when its side has ended wholly. A host outside that never ends must not keep
  /// the connection of a guest that is gone.
  static Task<> end_guest(FlowPtr flow);
  /// Puts TLS on a side, which gives the protocol of ALPN. `first`: bytes of that side that were read already.
  /// REQUIRES: nobody reads from the side or writes to it.
  enum class Side { guest, outside };
  Task<Result<std::string>> start_tls(Side side, certs::Session session, std::string first = "");
  /// TLS passes unread from now on.
  void seal() { sealed_ = true; }

  /// Whether the last read_guest() has ended the flow because nothing came in time.
  bool said_nothing() const { return said_nothing_; }

  /// Sees all answers from now on, before the guest does. Null: nobody.
  void watch(std::function<void(std::string_view answer)> watcher) { watcher_ = std::move(watcher); }
  /// Wakes wait(). For watchers.
  void wake() { changed_.notify_all(); }
  /// Until the next wake(), or the end of either side.
  Task<> wait() { co_await changed_.wait(); }
  /// Whether the guest has got something from outside.
  bool answered() const { return answered_; }
  bool answers_ended() const { return answers_ended_; }

  /// A last word to the guest. Then the connection ends in order, so that the guest can read it.
  static Task<> say_and_end(FlowPtr flow, std::string bytes);
  /// Passes the guest's bytes on until they end.
  static Task<> pass_rest(FlowPtr flow, std::string first);
  // In the place of answers that pass by themselves.

  /// The next bytes from outside; empty at their end. Cuts the flow when the connection breaks.
  Task<std::optional<std::string>> read_outside();
  /// Both sides have got all, and end in order. Whoever reads them goes on until their peers have closed, or for
  /// limits::kLastWordPatience.
  static void end_both(const FlowPtr& flow);
  void spawn(Task<> task) { runtime_.spawn(std::move(task)); }

  /// What the guest hears if the host outside denies the connection before any answer. Without it, a reset.
  void set_last_word(std::string (*of)(const Error& error)) { last_word_ = of; }
  /// Passes answers on in a coroutine of its own. REQUIRES: connected.
  static void start_answers(const FlowPtr& flow);

 private:
  static Task<> break_off(FlowPtr flow, Error error);
  static Task<> cut_later(host::Runtime& runtime, std::weak_ptr<Flow> ending);
  static Task<> pass_answers(FlowPtr flow, int connection);
  Task<bool> open_tunnel();
  Task<Result<std::string>> read_tunnel_answer();
  bool fail_to_connect();
  bool is_current(int connection) const { return !over_ && connection == connection_; }
  void count(std::uint64_t sent, std::uint64_t received);
  void note_bytes();

  host::Runtime& runtime_;
  GuestPtr guest_;
  Destination to_;
  std::unique_ptr<net::TcpStream> inside_, outside_;
  struct Proxy {
    Destination at;
    std::string head;
  };
  std::optional<Proxy> proxy_;
  std::string unread_;   ///< of the guest
  std::string early_;    ///< of the server, with the proxy's answer
  std::string refusal_;  ///< of the proxy
  std::function<void(std::string_view)> watcher_;
  std::string (*last_word_)(const Error& error) = nullptr;
  host::Event changed_;
  bool over_ = false, decided_ = false, by_name_ = false, answered_ = false, answers_ended_ = false;
  bool said_nothing_ = false, sealed_ = false;
  int connection_ = 0;  ///< grows with each connection outside
  CutShort request_cut_ = std::make_shared<bool>(false), answer_cut_ = std::make_shared<bool>(false);
  std::string name_;
  std::uint64_t sent_ = 0, received_ = 0;  ///< since the last entry in the log
  host::Deadline next_note_{};
};

}  // namespace banger::roles::gate
