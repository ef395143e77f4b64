// A guest's agent on a socket: answers the requests that a VM's life needs. What it knows survives its connections, so
// a machine that is saved, adopted or connected to again is the same guest.
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

struct FakeGuest {
  std::string token;                           ///< hex; what opens its link
  std::string name;                            ///< host name of the last /configure
  bool held = false;                           ///< between /hold on and off
  bool system_ready = true;                    ///< what /health answers
  std::map<std::string, std::string> answers;  ///< by path, instead of what is answered otherwise
  std::function<void()> shut_down;             ///< what /shutdown does; empty: the guest ignores it
};

/// Serves one connection until it is cut. Requests become steps of the log ("agent /configure"), but for /health: it is
/// asked in the background, at no certain moment.
class FakeAgent {
 public:
  FakeAgent(host::Runtime& runtime, CallLog& log, std::shared_ptr<FakeGuest> guest, UniqueFd channel);
  ~FakeAgent();
  FakeAgent(const FakeAgent&) = delete;
  FakeAgent& operator=(const FakeAgent&) = delete;

 private:
  UniqueFd cut_;  ///< the channel once more, to end it
};

}  // namespace banger::test
