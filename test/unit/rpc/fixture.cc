#include "fixture.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace banger::test {

using namespace rpc;

struct Daemon::Shared {
  explicit Shared(host::Runtime& r) : runtime(r), changed(r) {}
  host::Runtime& runtime;
  host::Event changed;
  int started = 0, cancelled = 0, closed = 0;
  bool gate = false;
};

Daemon::Daemon() {
  shared_ = std::make_shared<Shared>(runtime_);
  server_ = make_server(runtime_, Logger(-1, LogLevel::error));
  add_methods();
  add_streams();
  runtime_.spawn(server_->serve(std::move(*host::listen_unix(path())), ::geteuid()));
  thread_ = std::thread([this] { runtime_.run(); });
}

Daemon::~Daemon() {
  if (thread_.joinable()) stop();
}

void Daemon::stop(std::chrono::milliseconds deadline) {
  runtime_.spawn([](Server* server, std::chrono::milliseconds within) -> Task<> {
    co_await server->stop(host::after(within));
  }(server_.get(), deadline));
  thread_.join();
}

UniqueFd Daemon::connect() const { return std::move(*host::connect_unix(path())); }

int Daemon::closed() const { return shared_->closed; }
int Daemon::started() const { return shared_->started; }

void Daemon::await(const char* method, int count) { (void)client().call(method, {{"count", count}}); }
void Daemon::force_gate() {
  runtime_.spawn([](std::shared_ptr<Shared> s) -> Task<> {
    s->gate = true;
    s->changed.notify_all();
    co_return;
  }(shared_));
}
void Daemon::open_gate() { (void)client().call("open_gate", {}); }

void Daemon::add_methods() {
  server_->add("echo", [](const Json& params, CallContext&) -> Task<Result<Json>> { co_return params; });
  server_->add("fail", [](const Json&, CallContext&) -> Task<Result<Json>> {
    co_return std::unexpected(Error{ErrorCode::exhausted, "disk: No space left on device", 28, "make room"});
  });
  server_->add("throw", [](const Json& params, CallContext&) -> Task<Result<Json>> { co_return params.at("missing"); });
  server_->add("big", [](const Json& params, CallContext&) -> Task<Result<Json>> {
    co_return std::string(params.value("bytes", 0u), 'x');
  });
  server_->add("progress", [](const Json& params, CallContext& context) -> Task<Result<Json>> {
    int count = params.value("count", 0);
    for (int i = 0; i < count; ++i) context.progress("step", std::string(params.value("bytes", 0u), 'x'), i);
    co_return Json("done");
  });
  // Lasts until it is cancelled.
  server_->add("wait", [shared = shared_](const Json&, CallContext& context) -> Task<Result<Json>> {
    auto s = shared;
    ++s->started;
    s->changed.notify_all();
    while (!context.cancel().requested()) co_await context.cancel().event().wait();
    ++s->cancelled;
    s->changed.notify_all();
    CO_TRY(context.cancel().check());
    co_return Json();
  });
  // Ignores cancelling.
  auto gate = [shared = shared_](const Json&, CallContext&) -> Task<Result<Json>> {
    auto s = shared;
    ++s->started;
    s->changed.notify_all();
    while (!s->gate) co_await s->changed.wait();
    co_return Json("through");
  };
  server_->add("gate", gate);
  server_->add("costly_gate", gate, Shape::plain, Cost::high);
  server_->add("open_gate", [shared = shared_](const Json&, CallContext&) -> Task<Result<Json>> {
    shared->gate = true;
    shared->changed.notify_all();
    co_return Json();
  });
  // Answers at once, and counts the ends of its connections.
  server_->add("watch_close", [shared = shared_](const Json&, CallContext& context) -> Task<Result<Json>> {
    context.when_closed([s = shared] {
      ++s->closed;
      s->changed.notify_all();
    });
    co_return Json();
  });
  auto awaiter = [this](int Shared::* counter) {
    return [shared = shared_, counter](const Json& params, CallContext&) -> Task<Result<Json>> {
      auto s = shared;
      int count = params.value("count", 0);
      auto which = counter;
      while ((*s).*which < count) co_await s->changed.wait();
      co_return Json();
    };
  };
  server_->add("await_started", awaiter(&Shared::started));
  server_->add("await_cancelled", awaiter(&Shared::cancelled));
  server_->add("await_closed", awaiter(&Shared::closed));
  server_->add("not_a_stream", [](const Json&, CallContext& context) -> Task<Result<Json>> {
    auto stream = co_await context.become_stream({});
    if (!stream) co_return std::unexpected(std::move(stream.error()));
    co_return Json();
  });
}

void Daemon::add_streams() {
  auto echo = [](CallContext& context) -> Task<Result<Json>> {
    auto stream = CO_TRY(co_await context.become_stream({{"ready", true}}));
    context.progress("never", "seen");
    for (;;) {
      auto bytes = CO_TRY(co_await stream->read());
      if (bytes.empty()) break;
      CO_TRY(co_await stream->write(std::move(bytes)));
    }
    CO_TRY(co_await stream->write("the end\n"));
    stream->shutdown_write();
    co_return Json("ignored");
  };
  server_->add("stream_echo", [echo](const Json&, CallContext& context) { return echo(context); }, Shape::stream);
  // The same, but sends progress and waits for the open gate first.
  server_->add(
      "stream_gate",
      [echo, shared = shared_](const Json&, CallContext& context) -> Task<Result<Json>> {
        auto s = shared;
        auto then = echo;
        context.progress("waiting");
        ++s->started;
        s->changed.notify_all();
        while (!s->gate && !context.cancel().requested())
          co_await s->changed.wait(host::after(std::chrono::milliseconds(10)));
        if (context.cancel().requested()) {
          ++s->cancelled;
          s->changed.notify_all();
        }
        co_return co_await then(context);
      },
      Shape::stream);
  server_->add(
      "stream_fail",
      [](const Json&, CallContext&) -> Task<Result<Json>> { co_return fail(ErrorCode::not_found, "no such VM"); },
      Shape::stream);
  // Neither reads nor writes; only waits until the caller goes.
  server_->add(
      "stream_wait",
      [shared = shared_](const Json&, CallContext& context) -> Task<Result<Json>> {
        auto s = shared;
        auto stream = CO_TRY(co_await context.become_stream({}));
        ++s->started;
        s->changed.notify_all();
        while (!context.cancel().requested()) co_await context.cancel().event().wait();
        ++s->cancelled;
        s->changed.notify_all();
        co_return Json();
      },
      Shape::stream);
}

Raw::Raw(UniqueFd socket) : socket_(std::move(socket)) {
  timeval limit{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

bool Raw::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

void Raw::half_close() { ::shutdown(socket_.get(), SHUT_WR); }

bool Raw::fill() {
  char bytes[65536];
  ssize_t got = ::recv(socket_.get(), bytes, sizeof bytes, 0);
  if (got > 0) buffer_.append(bytes, static_cast<std::size_t>(got));
  return got > 0;
}

std::string Raw::line() {
  for (;;) {
    if (auto newline = buffer_.find('\n'); newline != buffer_.npos) {
      std::string text = buffer_.substr(0, newline);
      buffer_.erase(0, newline + 1);
      return text;
    }
    if (!fill()) return {};
  }
}

Json Raw::json() { return Json::parse(line(), nullptr, false); }

std::string Raw::rest() {
  while (fill()) {
  }
  return std::exchange(buffer_, {});
}

std::string request(int id, const std::string& method, const std::string& params) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method + R"(","params":)" + params +
         "}\n";
}

}  // namespace banger::test
