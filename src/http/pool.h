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
  /// Keeps a connection for limits::kHttpIdle, or closes it: at most limits::kIdleConnections wait for one key.
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
