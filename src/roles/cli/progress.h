// The progress of a long call, on standard error. On a terminal, this is one live line with a spinner or a bar.
// Otherwise it is one line for each stage that takes long, so that quick commands are silent in scripts and cron jobs.
// A stage that is known to take minutes is announced before it begins, in both cases.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "roles/cli/bounds.h"
#include "roles/cli/io.h"
#include "rpc/client.h"

namespace banger::roles::cli {

/// The live line at one moment, cut to `columns`: `⠹ boot: waiting for the agent  42% ██████░░░░  3s`.
std::string progress_line(const rpc::ProgressUpdate& update, unsigned tick, long elapsed_s, std::size_t columns);

/// Shows updates until it is destroyed, and then erases the live line. The ticker is a thread, because the caller is
/// blocked in its call. The ticker only writes to standard error.
class Progress {
 public:
  /// `patience`: how long a stage takes before it gets a plain line.
  explicit Progress(const Io& io, std::chrono::milliseconds patience = limits::kPlainProgressDelay);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(const rpc::ProgressUpdate& update);
  /// Prints `banger: text` on a line of its own.
  void note(std::string_view text);
  rpc::OnProgress callback() {
    return [this](const rpc::ProgressUpdate& each) { update(each); };
  }

 private:
  void tick(std::stop_token stop);
  void draw(unsigned count, long elapsed_s);
  void announce();
  void print_slow_stage();

  const Io& io_;
  std::chrono::milliseconds patience_;
  bool live_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  rpc::ProgressUpdate shown_;
  std::chrono::steady_clock::time_point stage_began_;
  std::vector<std::string> printed_;  ///< stages already printed as plain lines
  bool drawn_ = false;
  std::jthread ticker_;  ///< the last member, so that it ends before the members that it uses
};

}  // namespace banger::roles::cli
