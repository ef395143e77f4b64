#include "support/fake_agent.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/json.h"
#include "base/text.h"
#include "link/bounds.h"
#include "link/exec_frames.h"

namespace banger::test {

namespace {

struct Connection {
  CallLog& log;
  std::shared_ptr<FakeGuest> guest;
  std::weak_ptr<link::Server> server;
};

std::string clock_answer() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return dump_json({{"clock_unix_ns", std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()}});
}

Task<> run_command(std::shared_ptr<link::ServerStream> stream) {
  (void)co_await stream->respond(200);
  std::string frames;
  link::encode_frame(link::FrameType::exit, link::encode_exit({.code = 0, .signal = 0, .message = ""}), frames);
  (void)co_await stream->write(std::move(frames));
  (void)co_await stream->finish();
}

// A tunnel, whose server in the guest sends back what it receives.
Task<> echo(std::shared_ptr<link::ServerStream> stream, std::shared_ptr<FakeGuest> guest) {
  (void)co_await stream->respond(200);
  for (;;) {
    auto bytes = co_await stream->read();
    if (!bytes) co_return;
    if (bytes->empty() && guest->keeps_tunnels_open) co_return guest->tunnels.push_back(std::move(stream));
    if (bytes->empty()) break;
    if (!co_await stream->write(std::move(*bytes))) co_return;
  }
  (void)co_await stream->finish();
}

void configure(Connection& connection, const Json& config) {
  if (config.contains("hostname")) connection.guest->name = config.at("hostname").get<std::string>();
  if (!config.contains("link_token")) return;
  connection.guest->token = config.at("link_token").get<std::string>();
  if (auto server = connection.server.lock()) server->set_token(*from_hex(connection.guest->token));
}

Task<> answer(std::shared_ptr<Connection> connection, std::shared_ptr<link::ServerStream> stream) {
  std::string path = stream->path();
  auto& guest = *connection->guest;
  if (path == "/health") {
    (void)co_await stream->reply_json(200, dump_json({{"system_ready", guest.system_ready}}));
    co_return;
  }
  if (auto step = connection->log.step("agent " + path); !step) {
    (void)co_await stream->reply_error(step.error());
    co_return;
  }
  if (stream->method() == "CONNECT") co_return co_await echo(stream, connection->guest);
  if (path == "/exec") co_return co_await run_command(stream);
  auto body = co_await stream->body(limits::kLinkJsonBytes);
  auto json = body ? parse_json(body->empty() ? "{}" : *body, limits::kLinkJsonBytes) : std::unexpected(body.error());
  guest.heard.push_back({stream->method(), path, stream->query("session").value_or(""), body.value_or("")});
  if (path == "/configure" && json) configure(*connection, *json);
  if (path == "/files" && body) guest.uploads.push_back(std::move(*body));
  if (path == "/hold" && json) guest.held = json->at("hold").get<bool>();
  bool timed = path == "/configure" || path == "/clock";
  auto set = guest.answers.find(path);
  (void)co_await stream->reply_json(200, set != guest.answers.end() ? set->second : timed ? clock_answer() : "{}");
  if (path == "/shutdown" && guest.shut_down) guest.shut_down();
}

Task<> serve(std::shared_ptr<link::Server> server) { (void)co_await server->serve(); }

}  // namespace

void fall_silent(int channel) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) return;
  ::dup2(ends[0], channel);
  ::close(ends[0]);  // the other end stays open for the rest of the test
}

FakeAgent::FakeAgent(host::Runtime& runtime, CallLog& log, std::shared_ptr<FakeGuest> guest, UniqueFd channel)
    : cut_(::dup(channel.get())) {
  guest->fall_silent = [number = channel.get()] { test::fall_silent(number); };
  auto connection = std::make_shared<Connection>(Connection{log, guest, {}});
  auto handler = [connection](std::shared_ptr<link::ServerStream> stream) {
    return answer(connection, std::move(stream));
  };
  std::shared_ptr<link::Server> server =
      link::make_server(runtime, std::move(channel), *from_hex(guest->token), std::move(handler), link::AtEnd::stop);
  connection->server = server;
  runtime.spawn(serve(std::move(server)));
}

FakeAgent::~FakeAgent() { ::shutdown(cut_.get(), SHUT_RDWR); }

}  // namespace banger::test
