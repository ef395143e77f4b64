#include "rpc/turns.h"

namespace banger::rpc {

Task<bool> Turns::begin(const void* connection, std::shared_ptr<host::Cancel> cancel) {
  auto waiting = std::make_shared<Waiting>(cancel);
  auto& calls = waiting_[connection];
  if (calls.empty()) order_.push_back(connection);
  calls.push_back(waiting);
  grant();
  while (!waiting->granted && !cancel->requested()) co_await cancel->event().wait();
  // grant() skips a cancelled call. A call that was cancelled after its turn came gives the turn back.
  if (waiting->granted && cancel->requested()) end(connection);
  co_return !cancel->requested();
}

void Turns::end(const void* connection) {
  running_.erase(connection);
  // Others come first, also those whose calls have waited for a shorter time.
  if (std::erase(order_, connection)) order_.push_back(connection);
  grant();
}

void Turns::grant() {
  for (std::size_t looked = 0; looked < order_.size() && running_.size() < most_;) {
    auto connection = order_.front();
    order_.pop_front();
    auto& calls = waiting_[connection];
    while (!calls.empty() && calls.front()->cancel->requested()) calls.pop_front();
    if (!calls.empty() && !running_.contains(connection)) {
      calls.front()->granted = true;
      calls.front()->cancel->event().notify_all();
      calls.pop_front();
      running_.insert(connection);
      looked = 0;
    } else {
      ++looked;
    }
    if (calls.empty())
      waiting_.erase(connection);
    else
      order_.push_back(connection);
  }
}

}  // namespace banger::rpc
