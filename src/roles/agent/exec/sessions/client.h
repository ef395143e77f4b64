// A client of a session: one that reads the log as it grows, and one that also writes the input.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "roles/agent/exec/sessions/keeper_link.h"
#include "roles/agent/exec/sessions/log.h"
#include "roles/agent/exec/sessions/record.h"
#include "roles/agent/routes.h"

namespace banger::roles::agent {

struct SessionClient {
  SessionClient(ContextPtr c, StreamPtr s, SessionRecord r, LogReader from)
      : context(std::move(c)),
        stream(std::move(s)),
        record(std::move(r)),
        reader(std::move(from)),
        changed(context->runtime) {}

  const ContextPtr context;
  StreamPtr stream;
  const SessionRecord record;
  LogReader reader;
  std::function<bool(link::FrameType)> wants = [](link::FrameType) { return true; };  ///< which frames of the log
  std::shared_ptr<KeeperLink> keeper;  ///< null: only what the log has now
  bool writes = false;                 ///< passes on the client's frames

  host::Event changed;  ///< any of the values below
  std::uint64_t news = 0;
  bool ended = false;   ///< the keeper has ended
  bool gone = false;    ///< the client went away, or is done
  bool stolen = false;  ///< another client writes now
};
using SessionClientPtr = std::shared_ptr<SessionClient>;

/// Passes bytes between the client and the session, until either ends or another client takes the input over. What the
/// client does not read stays in the log, so a slow client costs no memory and never holds up the command.
Task<> serve_client(SessionClientPtr client);

/// Makes the client the only one that writes. `busy` when there is another one and `steal` is false.
Result<> claim_input(const SessionClientPtr& client, bool steal);

}  // namespace banger::roles::agent
