// The host's git, run with arguments as an array and never through a shell. Repositories are data here: no hook, pager,
// file watcher or credential helper of a repository runs, and nothing is fetched from a network. Blocking.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/paths.h"

namespace banger::workspace {

/// Set by another thread to end the work. May be null.
using StopFlag = std::atomic<bool>;

struct GitRun {
  std::string_view input = {};        ///< standard input
  int in_fd = -1;                     ///< borrowed; standard input instead of `input`
  int out_fd = -1;                    ///< borrowed; gets standard output, which is then not returned
  std::uint64_t out_bytes = 0;        ///< the limit of what `out_fd` gets; 0: none
  bool to_its_end = false;            ///< git goes on even if this process is killed: it changes files
  std::vector<std::string> env = {};  ///< more variables, as NAME=VALUE
};

class Git {
 public:
  /// For a repository of the user: the user's own configuration counts, as for every git of that user. `directory` is
  /// where git runs. `unavailable`, with a hint, when the host has no git.
  static Result<Git> of_user(const host::GetEnv& env, std::string directory, const StopFlag* stop = nullptr);
  /// For a private repository: neither the user's nor the system's configuration counts.
  static Result<Git> isolated(const host::GetEnv& env, std::string git_directory, const StopFlag* stop = nullptr);
  /// The same for objects that a guest has written: some KiB of them may inflate to any size. Each git gets at most so
  /// much memory, and then fails with `exhausted`.
  static Result<Git> of_guest(const host::GetEnv& env, std::string git_directory, std::uint64_t memory_bytes,
                              const StopFlag* stop = nullptr);

  /// The same git in another directory of the user.
  Git at(std::string directory) const { return {program_, env_, std::move(directory), stop_}; }

  /// Runs git and returns its standard output. `invalid` with the last line of git's standard error when git fails;
  /// `timeout`, `cancelled` and `exhausted` when it was ended.
  Result<std::string> run(const std::vector<std::string>& args, const GitRun& how = {}) const;
  /// The output without its last newline, or an empty text if git has no answer.
  Result<std::string> line(const std::vector<std::string>& args) const;

 private:
  struct Ended {
    int status = 0;
    std::string out, err;
  };
  Git(std::string program, std::vector<std::string> env, std::string directory, const StopFlag* stop)
      : program_(std::move(program)), env_(std::move(env)), directory_(std::move(directory)), stop_(stop) {}
  static Result<Git> find(const host::GetEnv& env, std::vector<std::string> variables, std::string directory,
                          const StopFlag* stop);
  Result<Ended> end_of(const std::vector<std::string>& args, const GitRun& how) const;
  std::vector<std::string> argv_of(const std::vector<std::string>& args) const;

  std::string program_;
  std::vector<std::string> env_;
  std::string directory_;
  const StopFlag* stop_;
  std::uint64_t memory_bytes_ = 0;  ///< 0: no limit
};

/// The records of an output that ends each of them with a zero byte.
std::vector<std::string_view> records_of(std::string_view output);

}  // namespace banger::workspace
