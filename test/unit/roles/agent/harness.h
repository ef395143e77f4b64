// The real agent on one end of a socketpair, the real client on the other, both in this process.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "host/files.h"
#include "link/exec_spec.h"
#include "link/link.h"
#include "roles/agent/serve.h"
#include "support/temp_dir.h"

namespace banger::test {

using namespace roles::agent;

/// The frames of an exec stream.
struct Outcome {
  int starts = 0;  ///< `started` frames
  bool ended = false;
  link::ExecExit exit;
  std::string out, err;
  std::vector<link::Position> positions;  ///< of sessions
};

/// The caller's end of one exec stream.
class Exec {
 public:
  explicit Exec(std::unique_ptr<link::ClientStream> stream) : stream_(std::move(stream)) {}
  Task<bool> send(link::FrameType type, std::string payload = {});
  /// Reads until the outcome is complete or `enough` says so. What was read stays in outcome().
  Task<> read(std::function<bool(const Outcome&)> enough = [](const Outcome&) { return false; });
  const Outcome& outcome() const { return outcome_; }
  link::ClientStream& stream() { return *stream_; }

 private:
  void take(const link::Frame& frame);
  std::unique_ptr<link::ClientStream> stream_;
  link::FrameDecoder decoder_;
  Outcome outcome_;
};

class Agent {
 public:
  explicit Agent(capabilities::ApplyMode mode = capabilities::ApplyMode::provision,
                 std::chrono::milliseconds (*put_off)(std::chrono::nanoseconds) = for_first_command);
  ~Agent();

  /// Runs `body` against a connected agent, at most a minute.
  void run(std::function<Task<>(Agent&)> body);

  Task<std::shared_ptr<Exec>> start(link::ExecSpec spec);
  /// From the spec to the end, with an empty stdin.
  Task<Outcome> exec(link::ExecSpec spec);
  /// A short request; the error has the agent's sentence.
  Task<Result<Json>> call(std::string method, std::string path, std::string body = "");
  /// A stream of frames without a spec, as those of sessions are.
  Task<std::shared_ptr<Exec>> open(std::string method, std::string path);
  /// Waits until `condition` holds; false after half a minute.
  Task<bool> until(std::function<bool()> condition);

  TempDir run_dir;
  host::Runtime runtime{4};
  ContextPtr context;
  std::shared_ptr<link::Client> client;
  std::vector<ShutdownPlan> shutdowns;  ///< requested; none is carried out

 private:
  Task<> serve(UniqueFd channel);
  Task<> drive(UniqueFd channel, const std::function<Task<>(Agent&)>* body);
  Task<> watchdog();
  void end_sessions();
  std::vector<std::thread> keepers_;  ///< instead of processes
};

/// This process's own user in the form of an exec spec, so that tests run as root and as any other user.
std::string myself();

}  // namespace banger::test
