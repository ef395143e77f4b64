// A connection is one reader coroutine, one coroutine per call, and a writer that runs while there is something to
// send. All of them hold the connection by shared_ptr; the socket closes when the peer is gone or the last answer is
// out.
#include "rpc/connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <asio/buffer.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <deque>
#include <vector>

#include "base/bounds.h"
#include "base/text.h"
#include "rpc/bounds.h"
#include "rpc/protocol.h"

namespace banger::rpc {

namespace {

constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);
using Socket = asio::local::stream_protocol::socket;
using CallKey = std::uint64_t;

Error too_large(std::string_view method) {
  return Error{ErrorCode::exhausted, fmt::format("the answer of {} is too large for one message", printable(method))};
}
bool over_limit(const std::string& line) { return line.size() - 1 > limits::kRpcMessageBytes; }

class Peer final : public Connection, public std::enable_shared_from_this<Peer> {
 public:
  Peer(std::shared_ptr<ServerState> state, Socket socket)
      : state_(std::move(state)), socket_(std::move(socket)), changed_(state_->runtime) {
    state_->connections.insert(this);
  }
  ~Peer() override {
    state_->connections.erase(this);
    state_->calls -= calls_.size();
    if (state_->stopping) return;
    for (auto& callback : when_closed_) callback();
  }

  static Task<> run(std::shared_ptr<Peer> self);
  void cancel_calls() override;
  void close() override;
  bool closed() const override { return closed_; }
  std::optional<host::Clock::time_point> idle_since() const override {
    // Something ends with a connection that is watched, such as an ephemeral VM. So such a connection is in use.
    return calls_.empty() && when_closed_.empty() ? std::optional(last_use_) : std::nullopt;
  }

  void send_progress(const Json& id, std::string_view stage, std::string_view detail, int percent);
  Task<Result<>> hand_over(const Call& call, Json result);
  static Task<Result<std::string>> stream_read(std::shared_ptr<Peer> self);
  static Task<Result<>> stream_write(std::shared_ptr<Peer> self, std::string bytes);
  void stream_shutdown_write();
  static Task<> stream_gone(std::shared_ptr<Peer> self) { co_await self->peer_closed(); }
  void when_closed(std::function<void()> callback) { when_closed_.push_back(std::move(callback)); }

 private:
  struct Running {
    Json id;
    std::shared_ptr<host::Cancel> cancel;
  };
  struct Outgoing {
    std::string line;
    CallKey answers = 0;  // the call that ends when this is sent, or 0
    bool progress = false;
  };

  Task<> read_calls();
  Task<> hold_for_stream();
  Task<std::error_code> read_more();
  Task<> peer_closed();
  void dispatch(const std::string& line);
  std::expected<const Registered*, BadCall> admit(const Call& call) const;
  static Task<> run_call(std::shared_ptr<Peer> self, CallKey key, Call call, const Registered* registered,
                         std::shared_ptr<host::Cancel> cancel);
  void finish(CallKey key, const Call& call, const Result<Json>& result, bool streamed);
  void end_call(CallKey key);

  void enqueue(Outgoing item);
  static Task<> flush(std::shared_ptr<Peer> self);
  Task<> flushed();
  void close_when_done();

  std::shared_ptr<ServerState> state_;
  Socket socket_;
  LineReader reader_;
  std::map<CallKey, Running> calls_;
  CallKey next_key_ = 1;
  std::deque<Outgoing> queue_;
  std::size_t queued_bytes_ = 0, queued_progress_ = 0;  // including what is being written
  host::Clock::time_point last_use_ = host::Clock::now();
  bool writing_ = false;
  bool last_ = false;  // read no more; close when all calls have been answered
  bool closed_ = false;
  // The steps of a stream call, in order: its line arrived, its method asked for the connection, the reader stopped.
  bool stream_call_ = false, handing_over_ = false, reader_done_ = false;
  bool stream_eof_ = false, write_shut_ = false;
  std::vector<std::function<void()>> when_closed_;
  host::Event changed_;
};

class Stream final : public RawStream {
 public:
  explicit Stream(std::shared_ptr<Peer> peer) : peer_(std::move(peer)) {}
  ~Stream() override { peer_->close(); }
  Task<Result<std::string>> read() override { return Peer::stream_read(peer_); }
  Task<Result<>> write(std::string bytes) override { return Peer::stream_write(peer_, std::move(bytes)); }
  void shutdown_write() override { peer_->stream_shutdown_write(); }
  Task<> gone() override { return Peer::stream_gone(peer_); }

 private:
  std::shared_ptr<Peer> peer_;
};

class Context final : public CallContext {
 public:
  Context(std::shared_ptr<Peer> peer, const Call& call, Shape shape, std::shared_ptr<host::Cancel> cancel)
      : peer_(std::move(peer)), call_(call), shape_(shape), cancel_(std::move(cancel)) {}

  void progress(std::string_view stage, std::string_view detail, int percent) override {
    if (!call_.id.is_null()) peer_->send_progress(call_.id, stage, detail, percent);
  }
  host::Cancel& cancel() override { return *cancel_; }

  Task<Result<std::unique_ptr<RawStream>>> become_stream(Json result) override {
    if (shape_ != Shape::stream || streamed_)
      co_return fail(ErrorCode::internal, "become_stream is for methods added with Shape::stream, once a call");
    CO_TRY(co_await peer_->hand_over(call_, std::move(result)));
    streamed_ = true;
    co_return std::make_unique<Stream>(peer_);
  }
  void when_closed(std::function<void()> callback) override { peer_->when_closed(std::move(callback)); }
  bool streamed() const { return streamed_; }

 private:
  std::shared_ptr<Peer> peer_;
  const Call& call_;  // lives in the same frame
  Shape shape_;
  std::shared_ptr<host::Cancel> cancel_;
  bool streamed_ = false;
};

// -- reading

Task<> Peer::run(std::shared_ptr<Peer> self) {
  co_await self->read_calls();
  self->reader_done_ = true;
  self->changed_.notify_all();
  if (self->handing_over_) {
    co_await self->peer_closed();
    // When both ends have shut down writing, the peer seems to have closed. Then cancel nothing.
    if (!self->write_shut_) self->cancel_calls();
    co_return;
  }
  self->cancel_calls();
  self->last_ = true;
  self->close_when_done();
}

Task<> Peer::read_calls() {
  int lines = 0;
  while (!closed_) {
    while (!stream_call_) {
      if (++lines % limits::kRpcLinesInRow == 0) co_await asio::post(socket_.get_executor(), asio::use_awaitable);
      if (closed_) co_return;
      auto line = reader_.next();
      if (!line) {
        enqueue({encode_error({}, line.error(), WireCode::parse_error)});
        co_return;
      }
      if (!*line) break;
      dispatch(**line);
      // Do not read from a peer that does not read its answers.
      while (queued_bytes_ > limits::kRpcQueueBytes && !closed_) co_await changed_.wait();
      if (closed_) co_return;
    }
    if (stream_call_) {
      co_await hold_for_stream();
      co_return;
    }
    if (co_await read_more()) co_return;
  }
}

// The bytes behind a stream call's line are kept for the stream, up to a bound. Their end does not cancel the call.
Task<> Peer::hold_for_stream() {
  while (!handing_over_ && !closed_) {
    if (!stream_eof_ && reader_.buffered() < limits::kRpcReadBytes) {
      stream_eof_ = bool(co_await read_more()) && !handing_over_;
    } else {
      co_await peer_closed();
      if (!handing_over_) co_return;
    }
  }
}

Task<std::error_code> Peer::read_more() {
  auto buffer = std::make_unique_for_overwrite<char[]>(limits::kRpcReadBytes);
  auto [error, got] = co_await socket_.async_read_some(asio::buffer(buffer.get(), limits::kRpcReadBytes), use_tuple);
  reader_.feed({buffer.get(), got});
  last_use_ = host::Clock::now();
  co_return error;
}

// Completes when the peer has closed both directions (EPOLLHUP), or when this end cancelled the wait.
Task<> Peer::peer_closed() { co_await socket_.async_wait(Socket::wait_error, use_tuple); }

// -- calls

void Peer::dispatch(const std::string& line) {
  auto call = parse_call(line);
  if (!call) return enqueue({encode_error(call.error().id, call.error().error, call.error().code)});
  auto registered = admit(*call);
  if (!registered) {
    if (!call->id.is_null()) enqueue({encode_error(call->id, registered.error().error, registered.error().code)});
    return;
  }
  auto cancel = std::make_shared<host::Cancel>(state_->runtime);
  CallKey key = next_key_++;
  calls_.emplace(key, Running{call->id, cancel});
  ++state_->calls;
  stream_call_ = (*registered)->shape == Shape::stream;
  state_->runtime.spawn(run_call(shared_from_this(), key, std::move(*call), *registered, std::move(cancel)));
}

std::expected<const Registered*, BadCall> Peer::admit(const Call& call) const {
  auto refuse = [&](ErrorCode code, std::string message, std::string hint = {}, WireCode wire = WireCode::by_error) {
    return std::unexpected(BadCall{call.id, wire, Error{code, std::move(message), 0, std::move(hint)}});
  };
  if (state_->stopping) return refuse(ErrorCode::unavailable, "the daemon is stopping");
  auto found = state_->methods.find(call.method);
  if (found == state_->methods.end()) {
    std::vector<std::string> names;
    for (const auto& [name, registered] : state_->methods) names.push_back(name);
    std::string known(call.method.substr(0, limits::kRpcIdBytes));
    return refuse(ErrorCode::not_found, fmt::format("unknown method '{}'", printable(call.method)),
                  did_you_mean(known, names), WireCode::unknown_method);
  }
  if (calls_.size() >= limits::kRpcInFlight)
    return refuse(ErrorCode::busy, fmt::format("{} calls are in flight on this connection", calls_.size()),
                  "wait for an answer");
  if (found->second.shape == Shape::stream) {
    if (call.id.is_null())
      return refuse(ErrorCode::invalid, fmt::format("{} needs an id: it is answered", call.method));
    if (!calls_.empty())
      return refuse(ErrorCode::invalid, fmt::format("{} must be the only call on its connection", call.method));
  }
  for (const auto& [key, running] : calls_)
    if (!call.id.is_null() && running.id == call.id)
      return refuse(ErrorCode::invalid, "a call with this id is in flight");
  return &found->second;
}

Task<Result<Json>> invoke(const Registered& registered, const Call& call, Context& context) {
  try {
    co_return co_await registered.method(call.params, context);
  } catch (const std::exception& bug) {
    co_return fail(ErrorCode::internal, fmt::format("{}: {}", call.method, bug.what()),
                   "this is a bug of banger, please report it");
  }
}

Task<> Peer::run_call(std::shared_ptr<Peer> self, CallKey key, Call call, const Registered* registered,
                      std::shared_ptr<host::Cancel> cancel) {
  auto started = host::Clock::now();
  bool costly = registered->cost == Cost::high;
  bool begun = costly ? co_await self->state_->turns.begin(self.get(), cancel) : !cancel->requested();
  if (!begun) {
    self->finish(key, call, fail(ErrorCode::cancelled, "cancelled"), false);
    co_return;
  }
  Context context(self, call, registered->shape, std::move(cancel));
  auto result = co_await invoke(*registered, call, context);
  if (costly) self->state_->turns.end(self.get());
  auto took = std::chrono::duration_cast<std::chrono::milliseconds>(host::Clock::now() - started);
  self->state_->log.debug(
      "rpc.call",
      {{"method", call.method}, {"ms", std::to_string(took.count())}, {"error", result ? "" : result.error().message}});
  self->finish(key, call, result, context.streamed());
}

void Peer::finish(CallKey key, const Call& call, const Result<Json>& result, bool streamed) {
  if (closed_ || streamed) return end_call(key);
  // Bytes behind a failed stream call are not calls.
  if (stream_call_) last_ = true;
  if (call.id.is_null()) return end_call(key);
  std::string line = result ? encode_result(call.id, *result) : encode_error(call.id, result.error());
  if (over_limit(line)) line = encode_error(call.id, too_large(call.method));
  enqueue({std::move(line), key});
}

void Peer::end_call(CallKey key) {
  state_->calls -= calls_.erase(key);
  last_use_ = host::Clock::now();
  state_->call_ended.notify_all();
  close_when_done();
}

void Peer::cancel_calls() {
  for (const auto& [key, running] : calls_) running.cancel->request();
}

// -- sending

void Peer::enqueue(Outgoing item) {
  if (closed_) {
    if (item.answers) end_call(item.answers);
    return;
  }
  queued_bytes_ += item.line.size();
  queue_.push_back(std::move(item));
  if (std::exchange(writing_, true)) return;
  state_->runtime.spawn(flush(shared_from_this()));
}

void Peer::send_progress(const Json& id, std::string_view stage, std::string_view detail, int percent) {
  if (closed_ || handing_over_ || queued_progress_ >= limits::kRpcProgressQueued) return;
  auto cut = [](std::string_view text) { return text.substr(0, limits::kRpcProgressBytes); };
  ++queued_progress_;
  enqueue({encode_progress(id, cut(stage), cut(detail), percent), 0, true});
}

Task<> Peer::flush(std::shared_ptr<Peer> self) {
  while (!self->queue_.empty()) {
    // All queued lines go out together. A burst of answers then costs one system call and one wake-up of the peer.
    std::string batch;
    std::vector<CallKey> answered;
    std::size_t progress = 0;
    while (!self->queue_.empty() && batch.size() < limits::kRpcReadBytes) {
      Outgoing item = std::move(self->queue_.front());
      self->queue_.pop_front();
      batch += item.line;
      progress += item.progress;
      if (item.answers) answered.push_back(item.answers);
    }
    // No deadline: a stopped client (^Z) may continue later. The wait ends when the peer or the server closes.
    auto [error, put] = co_await asio::async_write(self->socket_, asio::buffer(batch), use_tuple);
    self->queued_bytes_ -= batch.size();
    self->queued_progress_ -= progress;
    for (CallKey key : answered) self->end_call(key);
    if (error) self->close();
    self->changed_.notify_all();
  }
  self->writing_ = false;
  self->changed_.notify_all();
  self->close_when_done();
}

Task<> Peer::flushed() {
  while (writing_ && !closed_) co_await changed_.wait();
}

// -- the end

void Peer::close_when_done() {
  if (last_ && calls_.empty() && !writing_) close();
}

void Peer::close() {
  if (std::exchange(closed_, true)) return;
  std::error_code ignored;
  socket_.close(ignored);
  cancel_calls();
  for (Outgoing& item : std::exchange(queue_, {})) {
    queued_bytes_ -= item.line.size();
    queued_progress_ -= item.progress;
    if (item.answers) end_call(item.answers);
  }
  changed_.notify_all();
}

// -- raw streams

Task<Result<>> Peer::hand_over(const Call& call, Json result) {
  std::string line = encode_result(call.id, result);
  if (over_limit(line)) co_return std::unexpected(too_large(call.method));
  // socket_.cancel() would also interrupt a progress line that is being sent.
  co_await flushed();
  if (!closed_ && !last_) {
    handing_over_ = true;
    std::error_code ignored;
    socket_.cancel(ignored);
    while (!reader_done_ && !closed_) co_await changed_.wait();
    enqueue({std::move(line)});
    co_await flushed();
  }
  if (closed_ || last_) co_return fail(ErrorCode::cancelled, "the caller went away");
  co_return Result<>();
}

Task<Result<std::string>> Peer::stream_read(std::shared_ptr<Peer> self) {
  if (!self->reader_.buffered() && !self->stream_eof_) {
    std::error_code error = co_await self->read_more();
    if (self->closed_) co_return fail(ErrorCode::cancelled, "the stream was closed");
    if (error && error != asio::error::eof) co_return fail_errno("read from the caller", error.value());
  }
  co_return self->reader_.take_rest();
}

Task<Result<>> Peer::stream_write(std::shared_ptr<Peer> self, std::string bytes) {
  auto [error, put] = co_await asio::async_write(self->socket_, asio::buffer(bytes), use_tuple);
  if (self->closed_) co_return fail(ErrorCode::cancelled, "the stream was closed");
  if (error) co_return fail_errno("write to the caller", error.value());
  co_return Result<>();
}

void Peer::stream_shutdown_write() {
  write_shut_ = true;
  std::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

}  // namespace

void start_connection(std::shared_ptr<ServerState> state, UniqueFd fd) {
  host::Runtime& runtime = state->runtime;
  Socket socket(runtime.io());
  std::error_code error;
  socket.assign(asio::local::stream_protocol(), fd.get(), error);
  if (error) {
    state->log.error("rpc.connection", {{"error", error.message()}});
    return;
  }
  (void)fd.release();
  runtime.spawn(Peer::run(std::make_shared<Peer>(std::move(state), std::move(socket))));
}

}  // namespace banger::rpc
