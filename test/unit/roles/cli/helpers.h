// A temporary home, an Io whose output can be read, and a fake daemon that answers from a table.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/object.h"
#include "base/json.h"
#include "base/unique_fd.h"
#include "roles/cli/io.h"
#include "support/temp_dir.h"

namespace banger::test {

using namespace roles::cli;

/// The outcome of one command line.
struct Outcome {
  int status = 0;
  std::string out, err;
};

/// An environment with an empty home. It runs command lines and captures their output.
class Home {
 public:
  Home();
  Outcome run(const std::vector<std::string>& words);
  /// The standard input of the next runs, borrowed. -1 means /dev/null.
  int in = -1;
  /// The standard output of the next runs. -1 means that the output is captured.
  int out = -1;
  std::map<std::string, std::string> variables;
  std::vector<std::string> daemon_command = {"/bin/false"};
  std::string state() const { return dir_.path() + "/.local/state/banger"; }
  std::string socket() const { return state() + "/run/bangerd.sock"; }
  const std::string& path() const { return dir_.path(); }

 private:
  TempDir dir_;
};

/// A fake daemon. It serves its socket until it is destroyed, with one thread for each connection.
class FakeDaemon {
 public:
  using Answer = std::function<Result<Json>(const Json& params)>;
  /// Uses the connection as a raw stream, after the result was sent.
  using Stream = std::function<void(int socket, const Json& params)>;

  /// Makes the directories. daemon.status answers with the version of this program.
  explicit FakeDaemon(const Home& home, std::map<std::string, Answer> first_answers = {});
  ~FakeDaemon();

  std::map<std::string, Answer> answers;
  std::map<std::string, Stream> streams;  ///< beside an answer of the same name
  /// Stages that are sent as progress before each answer.
  std::vector<std::string> stages;

  std::vector<std::string> calls() const;  ///< "method {params}", in order of arrival
  int called(const std::string& method) const;

 private:
  struct State;
  void accept_all();
  void serve(int socket);
  std::shared_ptr<State> state_;
  UniqueFd listener_, stop_;
  std::thread acceptor_;
};

/// The object of src/api with these fields, and the others empty.
template <api::Described T>
auto with_defaults(const Json& fields) {
  return api::to_json(api::read<T>(fields).value());
}
Json vm_object(const std::string& name, const std::string& state = "running");

}  // namespace banger::test
