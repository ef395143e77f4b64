#include "engine/stages.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace banger::engine {

using std::chrono::steady_clock;

void Stages::begin(std::string_view name, std::string_view detail) {
  end();
  current_ = name;
  began_ = steady_clock::now();
  if (report_) report_(name, detail, -1);
}

void Stages::end() {
  if (current_.empty()) return;
  done_.push_back({std::exchange(current_, {}),
                   std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - began_)});
}

void Stages::warn(std::string_view text) const {
  if (report_) report_(image::kWarningStage, text, -1);
}

void Stages::detail(std::string_view text, int percent) const {
  if (report_ && !current_.empty()) report_(current_, text, percent);
}

Json Stages::to_json() const {
  Json list = Json::array();
  for (const auto& stage : done_)
    list.push_back({{"name", stage.name}, {"ms", std::round(static_cast<double>(stage.duration.count()) / 100) / 10}});
  return list;
}

std::chrono::milliseconds Stages::total() const {
  std::chrono::microseconds sum{0};
  for (const auto& stage : done_) sum += stage.duration;
  return std::chrono::duration_cast<std::chrono::milliseconds>(sum);
}

}  // namespace banger::engine
