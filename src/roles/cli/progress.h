// What a long call is doing, on standard error: one live line with a spinner or bar on a terminal, else a line for each
// stage.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "roles/cli/io.h"
#include "rpc/client.h"

namespace banger::roles::cli {

/// The live line of one moment: `⠹ boot: waiting for the agent  42% ██████░░░░  3s`, cut to `columns`.
std::string progress_line(const rpc::ProgressUpdate& update, unsigned tick, long elapsed_s, std::size_t columns);

/// Shows updates until destroyed, which leaves no trace of the live line. The ticker is a thread because the caller is
/// blocked in its call; it only ever writes to standard error.
class Progress {
 public:
  explicit Progress(const Io& io);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(const rpc::ProgressUpdate& update);
  rpc::OnProgress callback() {
    return [this](const rpc::ProgressUpdate& each) { update(each); };
  }

 private:
  void tick(std::stop_token stop);

  const Io& io_;
  bool live_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  rpc::ProgressUpdate shown_;
  std::vector<std::string> told_;  ///< stages already printed as plain lines
  bool drawn_ = false;
  std::jthread ticker_;  ///< last: stops before what it uses goes
};

}  // namespace banger::roles::cli
