// Connections that wait for their next request.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <string>

#include "http/stream.h"

namespace banger::http {

class Pool {
 public:
  /// The connection that was used last, if it still looks open.
  std::optional<Stream> take(const std::string& key);
  /// Keeps a connection, at most limits::kIdleConnections for one key. One that waits longer than limits::kHttpIdle is
  /// closed when the pool is used next.
  void put(const std::string& key, Stream stream);

 private:
  void close_old();

  struct Idle {
    Stream stream;
    host::Deadline until;
  };
  std::map<std::string, std::list<Idle>> idle_;
};

}  // namespace banger::http
