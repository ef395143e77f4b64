// Lets several callers share one wake of a VM.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/result.h"
#include "base/task.h"
#include "host/runtime.h"

namespace banger::engine {

class SharedWake {
 public:
  explicit SharedWake(host::Runtime& runtime) : runtime_(runtime) {}

  bool under_way() const { return turn_ != nullptr; }
  /// Begins `wake`, or joins the one that is under way, and waits for its result. The wake goes on when its callers are
  /// gone.
  static Task<Result<>> join(std::shared_ptr<SharedWake> self, std::function<Task<Result<>>()> wake);

 private:
  struct Turn {
    explicit Turn(host::Runtime& runtime) : done(runtime) {}
    std::optional<Result<>> result;
    host::Event done;
  };
  static Task<> run(std::shared_ptr<SharedWake> self, std::function<Task<Result<>>()> wake);

  host::Runtime& runtime_;
  std::shared_ptr<Turn> turn_;  ///< null: no wake is under way
};

}  // namespace banger::engine
