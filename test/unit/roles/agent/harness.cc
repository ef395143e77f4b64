#include "harness.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "roles/agent/exec/sessions/keeper.h"

namespace banger::test {

using namespace roles::agent;

namespace {
constexpr std::string_view kToken = "0123456789abcdef";
}

std::string myself() { return fmt::format("{}:{}", ::geteuid(), ::getegid()); }

Task<bool> Exec::send(link::FrameType type, std::string payload) {
  std::string bytes;
  link::encode_frame(type, payload, bytes);
  auto sent = co_await stream_->write(std::move(bytes));
  co_return bool(sent);
}

void Exec::take(const link::Frame& frame) {
  switch (frame.type) {
    case link::FrameType::started:
      ++outcome_.starts;
      break;
    case link::FrameType::stdout_data:
      outcome_.out += frame.payload;
      break;
    case link::FrameType::stderr_data:
      outcome_.err += frame.payload;
      break;
    case link::FrameType::position:
      if (auto position = link::decode_position(frame.payload)) outcome_.positions.push_back(*position);
      break;
    default: {
      auto exit = link::decode_exit(frame.type, frame.payload);
      outcome_.ended = bool(exit);
      if (exit) outcome_.exit = *exit;
    }
  }
}

Task<> Exec::read(std::function<bool(const Outcome&)> enough) {
  while (!outcome_.ended && !enough(outcome_)) {
    auto frame = decoder_.next();
    if (!frame) co_return;
    if (*frame) {
      take(**frame);
      continue;
    }
    auto bytes = co_await stream_->read();
    if (!bytes || bytes->empty()) co_return;
    decoder_.feed(*bytes);
  }
}

Agent::Agent(capabilities::ApplyMode mode, std::chrono::milliseconds (*put_off)(std::chrono::nanoseconds)) {
  ::signal(SIGPIPE, SIG_IGN);
  RunDir files(run_dir.path());
  REQUIRE(
      files.save_config({.link_token = std::string(kToken), .environment = {{"FROM_CONFIG", "yes"}}, .interfaces = {}})
          .has_value());
  Options options{.run_dir = run_dir.path(),
                  .log_path = run_dir / "agent.log",
                  .config_root = run_dir / "root",
                  .config_mode = mode,
                  .sessions = run_dir / "sessions",
                  .mounts = run_dir / "mountinfo",
                  .path_variable = run_dir.path() + ":/usr/bin:/bin",
                  .put_off = put_off};
  std::filesystem::create_directories(options.config_root);
  // Without cgroups, because this process's own must not change.
  REQUIRE(host::write_file(options.mounts, "").has_value());
  options.shut_down = [this](host::Runtime&, ShutdownPlan plan) -> Task<Result<>> {
    shutdowns.push_back(std::move(plan));
    co_return Result<>();
  };
  options.start_keeper = [this](KeeperStart start) -> Result<std::optional<host::Child>> {
    keepers_.emplace_back(
        [kept = std::make_shared<KeeperStart>(std::move(start))] { keep_session(std::move(*kept), PassSignals::no); });
    return std::nullopt;
  };
  auto made = make_context(runtime, std::move(options));
  REQUIRE(made.has_value());
  context = *made;
}

// A keeper ends with its session.
void Agent::end_sessions() {
  for (const auto& session : context->sessions.list())
    if (session.live() && session.pid > 1) (void)::kill(static_cast<pid_t>(-session.pid), SIGKILL);
  for (auto& keeper : keepers_) keeper.join();
}

Agent::~Agent() { end_sessions(); }

Task<> Agent::serve(UniqueFd channel) { (void)co_await serve_channel(context, std::move(channel)); }

Task<> Agent::drive(UniqueFd channel, const std::function<Task<>(Agent&)>* body) {
  auto connected =
      co_await link::connect(runtime, std::move(channel), std::string(kToken), host::after(std::chrono::seconds(10)));
  CHECK(connected.has_value());
  if (connected) {
    client = *connected;
    auto idle = context.use_count();
    co_await (*body)(*this);
    client->close();
    // Handlers see that the link is gone and end, each with its command.
    bool quiet = co_await until([this, idle] { return context.use_count() <= idle; });
    CHECK(quiet);
  }
  runtime.stop();
}

Task<> Agent::watchdog() {
  co_await runtime.sleep_for(std::chrono::seconds(60));
  FAIL_CHECK("the test hangs");
  runtime.stop();
}

void Agent::run(std::function<Task<>(Agent&)> body) {
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  runtime.spawn(serve(UniqueFd(fds[0])));
  runtime.spawn(drive(UniqueFd(fds[1]), &body));
  runtime.spawn(watchdog());
  runtime.run();
}

Task<std::shared_ptr<Exec>> Agent::start(link::ExecSpec spec) {
  if (spec.user == "root") spec.user = myself();
  auto stream = co_await client->open({.method = "POST", .path = "/exec"});
  if (!stream) {
    FAIL_CHECK(stream.error().sentence());
    co_return nullptr;
  }
  auto running = std::make_shared<Exec>(std::move(*stream));
  std::string frames;
  (void)link::encode_spec(spec, frames);
  (void)co_await running->stream().write(std::move(frames));
  co_return running;
}

Task<std::shared_ptr<Exec>> Agent::open(std::string method, std::string path) {
  auto stream = co_await client->open({.method = std::move(method), .path = std::move(path)});
  if (stream) co_return std::make_shared<Exec>(std::move(*stream));
  FAIL_CHECK(stream.error().sentence());
  co_return nullptr;
}

Task<Outcome> Agent::exec(link::ExecSpec spec) {
  auto running = co_await start(std::move(spec));
  if (!running) co_return Outcome{};
  co_await running->send(link::FrameType::stdin_end);
  co_await running->read();
  co_return running->outcome();
}

Task<Result<Json>> Agent::call(std::string method, std::string path, std::string body) {
  auto text =
      co_await client->call(std::move(method), std::move(path), std::move(body), host::after(std::chrono::seconds(30)));
  if (!text) co_return std::unexpected(text.error());
  co_return parse_json(*text, 1 << 20);
}

Task<bool> Agent::until(std::function<bool()> condition) {
  auto deadline = host::after(std::chrono::seconds(30));
  while (!condition()) {
    if (host::Clock::now() > deadline) co_return false;
    co_await runtime.sleep_for(std::chrono::milliseconds(10));
  }
  co_return true;
}

}  // namespace banger::test
