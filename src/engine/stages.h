// Measures where the time of one create or start goes. Each stage has a name and is reported when it begins.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/services.h"

namespace banger::engine {

class Stages {
 public:
  explicit Stages(Report report) : report_(std::move(report)) {}

  /// Ends the previous stage, if any, and begins this stage.
  void begin(std::string_view name, std::string_view detail = {});
  void end();
  /// Progress within the current stage.
  void detail(std::string_view text, int percent) const;
  /// A line for people between the stages.
  void warn(std::string_view text) const;
  /// [{"name", "ms"}…]
  Json to_json() const;
  std::chrono::milliseconds total() const;

 private:
  struct Stage {
    std::string name;
    std::chrono::microseconds duration;
  };
  Report report_;
  std::string current_;
  std::chrono::steady_clock::time_point began_{};
  std::vector<Stage> done_;
};

}  // namespace banger::engine
