// A fake agent that answers the requests of a VM's life on a socket. FakeGuest keeps its state between connections, so
// after a save, an adoption or a new connection the guest is the same.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/runtime.h"
#include "link/link.h"
#include "support/call_log.h"

namespace banger::test {

/// A request that the agent has answered.
struct Heard {
  std::string method, path;
  std::string session;  ///< of the query; empty if there is none
  std::string body;
};

struct FakeGuest {
  std::string token;                           ///< hex; the link token that the agent accepts
  std::string name;                            ///< host name of the last /configure
  bool held = false;                           ///< between /hold on and off
  bool system_ready = true;                    ///< what /health answers
  std::map<std::string, std::string> answers;  ///< JSON answers by path, which replace the default answers
  bool keeps_tunnels_open = false;             ///< a tunnel's server does not end when its client has ended
  std::vector<std::string> uploads;            ///< the bodies of PUT /files
  std::vector<Heard> heard;                    ///< all requests but /health, tunnels and commands
  std::vector<std::shared_ptr<link::ServerStream>> tunnels;  ///< those that were kept open
  std::function<void()> fall_silent;                         ///< leaves the connection open, and reads it no more
  std::function<void()> shut_down;  ///< called by /shutdown; if empty, the guest ignores the request
};

/// Puts a channel without bytes in the place of an agent's channel. The caller keeps a duplicate of the old one, so
/// that the host sees no end.
void fall_silent(int channel);

/// Serves one connection until the destructor closes the connection. Every request is a step of the log, for example
/// "agent /configure". Only /health is not a step, because it is requested in the background at unpredictable times.
class FakeAgent {
 public:
  FakeAgent(host::Runtime& runtime, CallLog& log, std::shared_ptr<FakeGuest> guest, UniqueFd channel);
  ~FakeAgent();
  FakeAgent(const FakeAgent&) = delete;
  FakeAgent& operator=(const FakeAgent&) = delete;

 private:
  UniqueFd cut_;  ///< a duplicate of the channel, for closing the connection
};

}  // namespace banger::test
