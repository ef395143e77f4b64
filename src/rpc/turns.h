// Turns of costly calls: few run at once, one of each connection, and the connections take turns. So a client with
// thousands of such calls delays its own calls only. One control thread.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>

#include "host/runtime.h"

namespace banger::rpc {

class Turns {
 public:
  explicit Turns(std::size_t most) : most_(most) {}

  /// Waits until it is this connection's turn. False when the call was cancelled first; then there is nothing to end.
  Task<bool> begin(const void* connection, std::shared_ptr<host::Cancel> cancel);
  /// The call of this connection that had its turn has ended.
  void end(const void* connection);

 private:
  struct Waiting {
    std::shared_ptr<host::Cancel> cancel;  ///< its event wakes the call
    bool granted = false;
  };
  void grant();

  const std::size_t most_;
  std::set<const void*> running_;
  std::map<const void*, std::deque<std::shared_ptr<Waiting>>> waiting_;
  std::deque<const void*> order_;  ///< of the connections with waiting calls
};

}  // namespace banger::rpc
