#include "helpers.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "host/files.h"
#include "host/unix_socket.h"
#include "roles/cli/run.h"
#include "rpc/protocol.h"

namespace banger::test {

using namespace roles::cli;

namespace {

std::string content_of(int fd) {
  std::string text;
  char chunk[4096];
  ::lseek(fd, 0, SEEK_SET);
  for (ssize_t count; (count = ::read(fd, chunk, sizeof chunk)) > 0;)
    text.append(chunk, static_cast<std::size_t>(count));
  return text;
}

}  // namespace

Home::Home() {
  ::signal(SIGPIPE, SIG_IGN);  // like run()
  variables = {{"HOME", dir_.path()}, {"PATH", "/usr/bin:/bin"}};
}

Outcome Home::run(const std::vector<std::string>& words) {
  UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  UniqueFd captured(::memfd_create("out", MFD_CLOEXEC)), errors(::memfd_create("err", MFD_CLOEXEC));
  Io io{.in = in < 0 ? null.get() : in,
        .out = out < 0 ? captured.get() : out,
        .err = errors.get(),
        .env = {},
        .environment = {},
        .daemon_command = daemon_command};
  io.env = [this](const std::string& name) -> std::optional<std::string> {
    auto it = variables.find(name);
    return it == variables.end() ? std::nullopt : std::optional(it->second);
  };
  for (const auto& [name, value] : variables) io.environment.push_back(name + "=" + value);
  Outcome outcome;
  outcome.status = run_line(io, words);
  outcome.out = content_of(captured.get());
  outcome.err = content_of(errors.get());
  return outcome;
}

struct FakeDaemon::State {
  mutable std::mutex mutex;
  std::vector<std::string> calls;
  std::vector<std::thread> threads;
};

FakeDaemon::FakeDaemon(const Home& home, std::map<std::string, Answer> first_answers)
    : answers(std::move(first_answers)), state_(std::make_shared<State>()), stop_(::eventfd(0, EFD_CLOEXEC)) {
  answers.emplace("daemon.status",
                  [](const Json&) -> Result<Json> { return Json{{"version", BANGER_VERSION}, {"pid", 4194304}}; });
  if (!host::make_directories(home.state() + "/run", 0700)) ::abort();
  ::chmod(home.state().c_str(), 0700);
  auto listener = host::listen_unix(home.socket());
  if (!listener) ::abort();
  listener_ = std::move(*listener);
  acceptor_ = std::thread([this] { accept_all(); });
}

FakeDaemon::~FakeDaemon() {
  ::eventfd_write(stop_.get(), 1);
  acceptor_.join();
  for (auto& thread : state_->threads) thread.join();
}

void FakeDaemon::accept_all() {
  for (;;) {
    pollfd waiting[2] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    ::poll(waiting, 2, -1);
    if (waiting[1].revents) return;
    int socket = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (socket >= 0) state_->threads.emplace_back([this, socket] { serve(socket); });
  }
}

void FakeDaemon::serve(int raw) {
  UniqueFd socket(raw);
  rpc::LineReader reader;
  char chunk[4096];
  for (;;) {
    pollfd waiting[2] = {{raw, POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    ::poll(waiting, 2, -1);
    auto count = waiting[1].revents ? 0 : ::read(raw, chunk, sizeof chunk);
    if (count <= 0) return;
    reader.feed({chunk, static_cast<std::size_t>(count)});
    for (;;) {
      auto line = reader.next();
      if (!line || !*line) break;
      auto call = rpc::parse_call(**line);
      if (!call) return;
      {
        std::lock_guard lock(state_->mutex);
        state_->calls.push_back(call->method + " " + dump_json(call->params));
      }
      for (const auto& stage : stages) (void)host::write_all(raw, rpc::encode_progress(call->id, stage, "detail", -1));
      auto it = answers.find(call->method);
      auto result =
          it == answers.end() ? Result<Json>(fail(ErrorCode::invalid, "no such method")) : it->second(call->params);
      (void)host::write_all(
          raw, result ? rpc::encode_result(call->id, *result) : rpc::encode_error(call->id, result.error()));
      if (result && streams.contains(call->method)) return streams[call->method](raw, call->params);
    }
  }
}

std::vector<std::string> FakeDaemon::calls() const {
  std::lock_guard lock(state_->mutex);
  return state_->calls;
}

int FakeDaemon::called(const std::string& method) const {
  int count = 0;
  for (const auto& call : calls()) count += call.starts_with(method + " ");
  return count;
}

Json vm_object(const std::string& name, const std::string& state) {
  return with_defaults<api::VmObject>({
      {"id", "id" + name},
      {"name", name},
      {"state", state},
      {"image", "debian"},
      {"vcpus", 2},
      {"memory_bytes", 1073741824},
      {"disk_bytes", 8589934592},
      {"created_at", 1},
      {"agent_ready", true},
      {"labels", {{"a", "b"}}},
      {"pid", 77},
      {"stages", Json::array({{{"name", "boot"}, {"ms", 1250.4}}})},
  });
}

}  // namespace banger::test
