#include "roles/cli/exec_client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "catch.h"
#include "helpers.h"
#include "host/files.h"

using namespace banger;
using namespace banger::roles::cli;
using namespace std::chrono_literals;
using link::FrameType;

namespace {

struct Pipe {
  UniqueFd reader, writer;
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    reader = UniqueFd(ends[0]);
    writer = UniqueFd(ends[1]);
  }
  void drain(std::size_t bytes) {
    char chunk[4096];
    for (ssize_t count; bytes > 0 && (count = ::read(reader.get(), chunk, std::min(bytes, sizeof chunk))) > 0;)
      bytes -= static_cast<std::size_t>(count);
  }
  std::string rest() {
    writer.reset();
    std::string text;
    char chunk[4096];
    for (ssize_t count; (count = ::read(reader.get(), chunk, sizeof chunk)) > 0;)
      text.append(chunk, static_cast<std::size_t>(count));
    return text;
  }
};

// The guest's end of the connection, which reads and writes frames.
struct Guest {
  int socket;
  link::FrameDecoder decoder;
  std::optional<link::ExecSpec> spec() {
    link::SpecReader reader;
    while (auto frame = read()) {
      auto json = reader.take(*frame);
      if (!json) return std::nullopt;
      if (*json) return link::exec_spec_from_json(**json).value_or(link::ExecSpec{});
    }
    return std::nullopt;
  }
  std::optional<link::Frame> read() {
    for (;;) {
      auto frame = decoder.next();
      if (!frame) return std::nullopt;
      if (*frame) return std::move(**frame);
      char chunk[4096];
      auto count = ::read(socket, chunk, sizeof chunk);
      if (count <= 0) return std::nullopt;
      decoder.feed({chunk, static_cast<std::size_t>(count)});
    }
  }
  void write(FrameType type, std::string_view payload) {
    std::string bytes;
    link::encode_frame(type, payload, bytes);
    (void)host::write_all(socket, bytes);
  }
  void start() {
    read();
    write(FrameType::started, "");
  }
  // Waits so long, or until the client closes the connection.
  void waits(std::chrono::milliseconds time) const {
    pollfd peer{socket, 0, 0};
    ::poll(&peer, 1, static_cast<int>(time.count()));
  }
  bool is_read_from() const {
    pollfd peer{socket, POLLOUT, 0};
    return ::poll(&peer, 1, 200) > 0;
  }
  void until_gone() {
    while (read()) {
    }
  }
  // Waits for a signal from the client. 0 when the client has closed the connection.
  int signal() {
    while (auto frame = read())
      if (frame->type == FrameType::signal) return frame->payload[0];
    return 0;
  }
  std::string input() {
    std::string all;
    while (auto frame = read()) {
      if (frame->type == FrameType::stdin_end) break;
      if (frame->type == FrameType::stdin_data) all += frame->payload;
    }
    return all;
  }
};

// One run of the client with a scripted guest.
struct Exec {
  UniqueFd ours, theirs;
  Pipe in, out, err, signals, resizes;
  std::string first_bytes;
  bool forward = true;
  std::function<Result<>()> on_started;
  link::ExecSpec spec{.argv = {"true"}, .env = {{"A", "b"}}, .cwd = "/x"};
  ExecDeadlines deadlines = {};
  std::optional<AttachOptions> attach;

  Exec() {
    ::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    ours = UniqueFd(ends[0]);
    theirs = UniqueFd(ends[1]);
    // A signalfd that is empty does not block.
    ::fcntl(signals.reader.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(resizes.reader.get(), F_SETFL, O_NONBLOCK);
  }
  void raise(int number) { send(signals, number); }
  void send(Pipe& pipe, int number) {
    signalfd_siginfo info{};
    info.ssi_signo = static_cast<std::uint32_t>(number);
    (void)host::write_all(pipe.writer.get(), {reinterpret_cast<const char*>(&info), sizeof info});
  }
  Result<ExecResult> run(const std::function<void(Guest&)>& script) {
    std::jthread peer([&] {
      Guest guest{theirs.get(), {}};
      script(guest);
      theirs.reset();
    });
    ExecStreams streams{.socket = ours.get(), .first_bytes = first_bytes};
    streams.in = forward ? in.reader.get() : -1;
    streams.out = out.writer.get();
    streams.err = err.writer.get();
    streams.signal_fd = signals.reader.get();
    streams.resize_fd = resizes.reader.get();
    streams.terminal = in.reader.get();
    streams.on_started = on_started;
    auto result = attach ? run_attached(streams, *attach) : run_exec(streams, spec, deadlines);
    ours.reset();
    return result;
  }
};

}  // namespace

TEST_CASE("exec: sends the spec first, passes input on, keeps streams separate, returns the status") {
  Exec exec;
  (void)host::write_all(exec.in.writer.get(), "hello");
  exec.in.writer.reset();
  link::ExecSpec got;
  std::string input;
  auto result = exec.run([&](Guest& guest) {
    got = guest.spec().value_or(link::ExecSpec{});
    guest.write(FrameType::started, "");
    input = guest.input();
    guest.write(FrameType::stdout_data, "out");
    guest.write(FrameType::stderr_data, "err");
    guest.write(FrameType::exit, R"({"code": 7})");
  });
  REQUIRE(result);
  CHECK(result->status == 7);
  CHECK(got.argv == std::vector<std::string>{"true"});
  CHECK(got.env.at("A") == "b");
  CHECK(got.cwd == "/x");
  CHECK(input == "hello");
  CHECK(exec.out.rest() == "out");
  CHECK(exec.err.rest() == "err");
}

TEST_CASE("exec: two megabytes of arguments arrive, whatever their bytes are") {
  Exec exec;
  exec.spec.argv.resize(17, std::string(100'000, '"'));
  exec.spec.argv.push_back("\xff");
  link::ExecSpec got;
  auto result = exec.run([&](Guest& guest) {
    got = guest.spec().value_or(link::ExecSpec{});
    guest.write(FrameType::exit, R"({"code": 0})");
  });
  REQUIRE(result);
  CHECK(got.argv == exec.spec.argv);
}

TEST_CASE("exec: an agent that refuses what only newer agents know gets a hint for its user") {
  for (bool text : {true, false}) {
    Exec exec;
    if (!text) exec.spec.argv.push_back("\xff");
    auto result = exec.run([](Guest& guest) {
      guest.read();
      guest.write(FrameType::failed, R"({"code": 125, "message": "field 'argv' must be a list of strings"})");
    });
    REQUIRE(result);
    CHECK((result->message.find("an older banger") == std::string::npos) == text);
  }
}

TEST_CASE("exec: megabytes in both directions at once do not deadlock") {
  Exec exec;
  std::string big(5'000'000, 'x'), input, output;
  std::jthread writer([&] {
    (void)host::write_all(exec.in.writer.get(), big);
    exec.in.writer.reset();
  });
  std::jthread reader([&] {
    char chunk[8192];
    for (ssize_t count; output.size() < big.size() && (count = ::read(exec.out.reader.get(), chunk, sizeof chunk)) > 0;)
      output.append(chunk, static_cast<std::size_t>(count));
  });
  auto result = exec.run([&](Guest& guest) {
    guest.start();
    for (std::size_t at = 0; at < big.size(); at += 50'000) guest.write(FrameType::stdout_data, big.substr(at, 50'000));
    input = guest.input();
    guest.write(FrameType::exit, R"({"code": 0})");
  });
  reader.join();
  REQUIRE(result);
  CHECK(input == big);
  CHECK(output == big);
}

TEST_CASE("exec: without forwarding the command's input is empty at once") {
  Exec exec;
  exec.forward = false;
  std::string input = "?";
  auto result = exec.run([&](Guest& guest) {
    input = guest.input();
    guest.write(FrameType::exit, R"({"code": 0})");
  });
  REQUIRE(result);
  CHECK(input.empty());
}

TEST_CASE("exec: a signal gives 128 plus its number; a command that did not run gives the reason") {
  Exec killed;
  CHECK(killed.run([](Guest& guest) { guest.write(FrameType::exit, R"({"signal": 9})"); })->status == 137);
  Exec missing;
  auto result = missing.run(
      [](Guest& guest) { guest.write(FrameType::failed, R"({"code": 127, "message": "nope: not found"})"); });
  REQUIRE(result);
  CHECK(result->status == 127);
  CHECK(result->message == "nope: not found");
}

TEST_CASE("exec: an interrupt goes to the guest, and a second interrupt gives 130") {
  Exec exec;
  std::vector<int> got;
  auto result = exec.run([&](Guest& guest) {
    guest.start();
    exec.raise(SIGINT);
    while (int number = guest.signal()) {
      got.push_back(number);
      exec.raise(SIGINT);
    }
  });
  REQUIRE(result);
  CHECK(result->status == 130);
  CHECK(got == std::vector<int>{SIGINT});
}

TEST_CASE("exec: a termination is passed on, and the command's own status counts") {
  Exec exec;
  auto result = exec.run([&](Guest& guest) {
    guest.start();
    exec.raise(SIGTERM);
    if (guest.signal() == SIGTERM) guest.write(FrameType::exit, R"({"signal": 15})");
  });
  REQUIRE(result);
  CHECK(result->status == 143);
}

TEST_CASE("exec: a new window size travels as rows and columns") {
  Exec exec;
  std::string size;
  auto result = exec.run([&](Guest& guest) {
    guest.read();
    exec.send(exec.resizes, SIGWINCH);
    while (auto frame = guest.read())
      if (frame->type == FrameType::resize) {
        size = frame->payload;
        break;
      }
    guest.write(FrameType::exit, R"({"code": 0})");
  });
  REQUIRE(result);
  CHECK(size == std::string("\0\x18\0\x50", 4));
}

TEST_CASE("exec: a lost connection, garbage and a client's frame are errors, not statuses") {
  Exec lost;
  auto result = lost.run([](Guest& guest) {
    guest.read();
    guest.write(FrameType::stdout_data, "partial");
  });
  REQUIRE(!result);
  CHECK(result.error().code == ErrorCode::unavailable);
  CHECK(lost.out.rest() == "partial");
  Exec garbage;
  auto broken = garbage.run([](Guest& guest) { (void)host::write_all(guest.socket, "GET / HTTP/1.1\r\n\r\n"); });
  REQUIRE(!broken);
  CHECK(broken.error().code == ErrorCode::corrupt);
  Exec wrong;
  CHECK(!wrong.run([](Guest& guest) { guest.write(FrameType::stdin_data, "x"); }));
}

TEST_CASE("exec: frames that came with the answer are not lost") {
  Exec exec;
  link::encode_frame(FrameType::stdout_data, "early", exec.first_bytes);
  link::encode_frame(FrameType::exit, R"({"code": 3})", exec.first_bytes);
  auto result = exec.run([](Guest& guest) { guest.read(); });
  REQUIRE(result);
  CHECK(result->status == 3);
  CHECK(exec.out.rest() == "early");
}

TEST_CASE("exec: a closed standard output ends quietly with 141") {
  Exec exec;
  exec.out.reader.reset();
  auto result = exec.run([](Guest& guest) {
    guest.read();
    guest.write(FrameType::stdout_data, "nobody reads this");
    while (guest.read()) {
    }
  });
  REQUIRE(result);
  CHECK(result->status == 141);
  CHECK(result->message.empty());
}

TEST_CASE("exec: a full device is an error, not a success or a closed pipe") {
  Exec out;
  out.out.writer = UniqueFd(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  auto result = out.run([](Guest& guest) {
    guest.start();
    guest.write(FrameType::stdout_data, "hi");
    guest.write(FrameType::exit, R"({"code": 0})");
    guest.until_gone();
  });
  REQUIRE(!result);
  CHECK(result.error().sys_errno == ENOSPC);
  CHECK(result.error().message.starts_with("write to standard output"));

  for (int code : {0, 7}) {
    Exec err;
    err.err.writer = UniqueFd(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    auto ended = err.run([code](Guest& guest) {
      guest.start();
      guest.write(FrameType::stderr_data, "hi");
      guest.write(FrameType::exit, dump_json(Json{{"code", code}}));
      guest.until_gone();
    });
    CHECK(ended.has_value() == (code == 7));
    if (ended) CHECK(ended->status == 7);
    if (!ended) CHECK(ended.error().message.starts_with("write to standard error"));
  }
}

TEST_CASE("exec: a standard error that is closed or has no reader is no error") {
  for (bool closed : {false, true}) {
    Exec exec;
    // This descriptor cannot be written, like the stand-in for a closed standard error.
    if (closed) exec.err.writer = UniqueFd(::open("/", O_PATH | O_CLOEXEC));
    exec.err.reader.reset();
    auto result = exec.run([](Guest& guest) {
      guest.start();
      guest.write(FrameType::stderr_data, "nobody reads this");
      guest.write(FrameType::exit, R"({"code": 0})");
    });
    REQUIRE(result);
    CHECK(result->status == 0);
  }
}

TEST_CASE("exec: an error of standard input is reported, and is not sent as its end") {
  Exec exec;
  exec.in.reader = UniqueFd(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  bool told_an_end = false;
  auto result = exec.run([&](Guest& guest) {
    guest.start();
    while (auto frame = guest.read()) told_an_end |= frame->type == FrameType::stdin_end;
  });
  REQUIRE(!result);
  CHECK(result.error().sys_errno == EISDIR);
  CHECK(result.error().message.starts_with("read standard input"));
  CHECK(!told_an_end);
}

TEST_CASE("exec: a guest that never starts the command is a timeout") {
  Exec exec;
  exec.deadlines.start = 20ms;
  auto result = exec.run([](Guest& guest) { guest.until_gone(); });
  REQUIRE(!result);
  CHECK(result.error().code == ErrorCode::timeout);
  CHECK(result.error().message.ends_with("the guest did not answer in time"));
}

TEST_CASE("exec: the deadline is for the start only") {
  Exec exec;
  exec.deadlines.start = 20ms;
  link::encode_frame(FrameType::started, "", exec.first_bytes);
  auto result = exec.run([](Guest& guest) {
    guest.waits(200ms);
    guest.write(FrameType::exit, R"({"code": 6})");
  });
  REQUIRE(result);
  CHECK(result->status == 6);
}

TEST_CASE("exec: before the command runs, one signal ends the client and input stays unread") {
  for (int number : {SIGTERM, SIGINT, SIGHUP}) {
    Exec exec;
    (void)host::write_all(exec.in.writer.get(), "for the next command");
    bool passed_on = false;
    auto result = exec.run([&](Guest& guest) {
      guest.read();
      exec.raise(number);
      while (guest.read()) passed_on = true;
    });
    REQUIRE(result);
    CHECK(result->status == 128 + number);
    CHECK(!result->message.empty());
    CHECK(!passed_on);
    CHECK(exec.in.rest() == "for the next command");
  }
}

TEST_CASE("exec: on_started is called once, before input is read") {
  Exec exec;
  int starts = 0;
  exec.on_started = [&]() -> Result<> {
    ++starts;
    (void)host::write_all(exec.in.writer.get(), "typed");
    exec.in.writer.reset();
    return {};
  };
  std::string input;
  auto result = exec.run([&](Guest& guest) {
    guest.start();
    guest.write(FrameType::started, "");
    input = guest.input();
    guest.write(FrameType::exit, R"({"code": 0})");
  });
  REQUIRE(result);
  CHECK(input == "typed");
  CHECK(starts == 1);
}

TEST_CASE("exec: a signal that the guest does not confirm ends the client") {
  for (int number : {SIGTERM, SIGINT}) {
    Exec exec;
    exec.deadlines.signal = 20ms;
    auto result = exec.run([&](Guest& guest) {
      guest.start();
      exec.raise(number);
      guest.until_gone();
    });
    REQUIRE(result);
    CHECK(result->status == 128 + number);
    CHECK(result->message.find(number == SIGTERM ? "SIGTERM" : "SIGINT") != std::string::npos);
  }
}

TEST_CASE("exec: waits for a command that ignores a signal if its guest confirms the signal") {
  Exec exec;
  exec.deadlines.signal = 300ms;
  auto result = exec.run([&](Guest& guest) {
    guest.start();
    exec.raise(SIGTERM);
    if (guest.signal() == SIGTERM) guest.write(FrameType::started, "");
    guest.waits(900ms);
    guest.write(FrameType::exit, R"({"code": 5})");
  });
  REQUIRE(result);
  CHECK(result->status == 5);
}

TEST_CASE("exec: the deadline of the guest does not count while standard output is stuck") {
  Exec exec;
  exec.deadlines.signal = 20ms;
  std::jthread reader;
  auto result = exec.run([&](Guest& guest) {
    guest.start();
    std::size_t written = 0;
    for (std::string line(1000, 'x'); guest.is_read_from(); written += line.size())
      guest.write(FrameType::stdout_data, line);
    exec.raise(SIGTERM);
    if (guest.signal() == SIGTERM) guest.write(FrameType::started, "");
    guest.waits(200ms);
    reader = std::jthread([&, written] { exec.out.drain(written); });
    guest.write(FrameType::exit, R"({"code": 5})");
  });
  exec.out.writer.reset();
  reader.join();
  REQUIRE(result);
  CHECK(result->status == 5);
}

TEST_CASE("exec: does not wait longer for a command that outlives SIGHUP") {
  Exec exec;
  exec.deadlines.signal = 20ms;
  auto result = exec.run([&](Guest& guest) {
    guest.start();
    exec.raise(SIGHUP);
    if (guest.signal() == SIGHUP) guest.write(FrameType::started, "");
    guest.until_gone();
  });
  REQUIRE(result);
  CHECK(result->status == 129);
}

TEST_CASE("attach: sends no spec, passes the end of the log, and ends with the session") {
  Exec exec;
  exec.attach = AttachOptions{.detach_keys = "\x10\x11"};
  exec.in.writer.reset();
  auto result = exec.run([&](Guest& guest) {
    guest.write(FrameType::started, "");
    guest.write(FrameType::position, link::encode_position({.unix_ms = 1, .out = 500, .err = 0}));
    guest.write(FrameType::stdout_data, "old");
    guest.write(FrameType::position, link::encode_position({.unix_ms = 1, .out = 510, .err = 0}));
    guest.write(FrameType::stdout_data, "new");
    guest.write(FrameType::exit, R"({"signal": 15})");
    while (auto frame = guest.read()) CHECK(frame->type == FrameType::resize);
  });
  REQUIRE(result);
  CHECK(result->status == 143);
  CHECK_FALSE(result->detached);
  CHECK(exec.out.rest() == "oldnew");
  CHECK(exec.err.rest() == "\r\nbanger: 7 bytes are no longer in the log\r\n");
}

TEST_CASE("attach: the detach keys, and Ctrl-D of a terminal, leave the session") {
  for (bool keys : {true, false}) {
    Exec exec;
    exec.attach = AttachOptions{.detach_keys = "\x10\x11", .terminal_input = true};
    (void)host::write_all(exec.in.writer.get(), keys ? "hi\x10\x11" : "hi");
    if (!keys) exec.in.writer.reset();
    std::string input;
    auto result = exec.run([&](Guest& guest) {
      guest.write(FrameType::started, "");
      while (auto frame = guest.read())
        if (frame->type == FrameType::stdin_data) input += frame->payload;
    });
    REQUIRE(result);
    CHECK(result->detached);
    CHECK(result->status == 0);
    CHECK(input == "hi");
  }
}

TEST_CASE("attach: a signal ends only the client") {
  Exec exec;
  exec.attach = AttachOptions{};
  int signal = -1;
  auto result = exec.run([&](Guest& guest) {
    guest.write(FrameType::started, "");
    exec.raise(SIGINT);
    signal = guest.signal();
  });
  REQUIRE(result);
  CHECK(result->status == 130);
  CHECK(result->message.empty());
  CHECK(signal == 0);
}

TEST_CASE("attach: a client that was replaced says so") {
  Exec exec;
  exec.attach = AttachOptions{};
  auto result = exec.run([&](Guest& guest) {
    guest.write(FrameType::started, "");
    guest.write(FrameType::failed, R"({"code": 125, "message": "another client has taken session 'one' over"})");
    guest.until_gone();
  });
  REQUIRE(result);
  CHECK(result->status == 125);
  CHECK(result->message == "another client has taken session 'one' over");
}
