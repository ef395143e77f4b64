#include "http/pool.h"

#include "http/bounds.h"

namespace banger::http {

void Pool::close_old() {
  auto now = host::Clock::now();
  for (auto& [key, waiting] : idle_) std::erase_if(waiting, [&](const Idle& idle) { return idle.until <= now; });
  std::erase_if(idle_, [](const auto& entry) { return entry.second.empty(); });
}

std::optional<Stream> Pool::take(const std::string& key) {
  close_old();
  auto it = idle_.find(key);
  while (it != idle_.end() && !it->second.empty()) {
    auto stream = std::move(it->second.back().stream);
    it->second.pop_back();
    // Bytes without a request, or the end of the connection, make it useless.
    if (stream.is_idle()) return stream;
  }
  return std::nullopt;
}

void Pool::put(const std::string& key, Stream stream) {
  close_old();
  auto& waiting = idle_[key];
  if (waiting.size() == limits::kIdleConnections) waiting.pop_front();
  waiting.push_back({std::move(stream), host::after(limits::kHttpIdle)});
}

}  // namespace banger::http
