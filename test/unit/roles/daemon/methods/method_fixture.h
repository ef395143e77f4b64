// Calls the daemon's methods without a socket. The engine is that of test::Fixture.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "catch.h"
#include "engine/fixture.h"
#include "roles/daemon/methods/methods.h"

namespace banger::test {

/// What a client has got of a stream.
struct Sink {
  explicit Sink(host::Runtime& runtime) : changed(runtime) {}
  std::string got;
  bool reads = true;  ///< whether the client takes bytes
  bool ended = false;
  host::Event changed;  ///< call notify_all() after a change of `reads`
};

class SinkStream final : public rpc::RawStream {
 public:
  explicit SinkStream(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
  Task<Result<std::string>> read() override { co_return std::string(); }
  Task<Result<>> write(std::string bytes) override { return write_to(sink_, std::move(bytes)); }
  void shutdown_write() override { sink_->ended = true; }
  Task<> gone() override { co_return; }

 private:
  static Task<Result<>> write_to(std::shared_ptr<Sink> sink, std::string bytes) {
    while (!sink->reads) co_await sink->changed.wait();
    sink->got += bytes;
    co_return Result<>{};
  }
  std::shared_ptr<Sink> sink_;
};

class FakeContext final : public rpc::CallContext {
 public:
  FakeContext(host::Runtime& runtime, std::shared_ptr<Sink> sink) : cancel_(runtime), sink_(std::move(sink)) {}
  void progress(std::string_view, std::string_view, int) override {}
  host::Cancel& cancel() override { return cancel_; }
  Task<Result<std::unique_ptr<rpc::RawStream>>> become_stream(Json) override {
    co_return std::make_unique<SinkStream>(sink_);
  }
  void when_closed(std::function<void()>) override {}

 private:
  host::Cancel cancel_;
  std::shared_ptr<Sink> sink_;
};

struct MethodFixture : Fixture {
  explicit MethodFixture(MakeResources make_resources = {}) : Fixture(std::move(make_resources)) {
    daemon->services.events = &events;
  }
  /// A stream call refers to this object.
  ~MethodFixture() {
    sink->reads = true;
    sink->changed.notify_all();
    context.cancel().request();
    if (follows) run_until([this] { return result.has_value(); });
  }

  Result<Json> call(std::string_view method, const Json& params) {
    return run(function(method)(parts, params, context));
  }
  /// Runs a stream call in the background. The result comes with its end.
  void follow(std::string_view method, Json params) {
    auto run_it = [](roles::daemon::Function of, MethodFixture* self, Json with) -> Task<> {
      self->result = co_await of(self->parts, with, self->context);
    };
    follows = true;
    daemon->runtime.spawn(run_it(function(method), this, std::move(params)));
  }
  static roles::daemon::Function function(std::string_view method) {
    for (const auto& handler : roles::daemon::all_handlers())
      if (handler.method == method) return handler.function;
    return nullptr;
  }

  engine::EventLog events;
  engine::VmManager vms{daemon->services};
  engine::Dns dns{daemon->services, vms.registry()};
  engine::Forwards forwards{daemon->services};
  engine::PublishedPorts published{daemon->services};
  roles::daemon::Daemon parts{.services = daemon->services,
                              .vms = vms,
                              .dns = dns,
                              .forwards = forwards,
                              .published = published,
                              .stop = [] {},
                              .started_at = 0};
  std::shared_ptr<Sink> sink = std::make_shared<Sink>(daemon->runtime);
  FakeContext context{daemon->runtime, sink};
  bool follows = false;
  std::optional<Result<Json>> result;  ///< of follow(), when it has ended
};

}  // namespace banger::test
