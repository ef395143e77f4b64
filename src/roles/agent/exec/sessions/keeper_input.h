// The input of a session: frames from several connections at once, in the order of their arrival. Bytes wait here for
// the command, at most limits::kExecStdinBytes and one frame. A connection whose next frame does not fit waits, and the
// other connections do not.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "link/exec_frames.h"

namespace banger::roles::agent {

/// One client of the keeper. All its descriptors are non-blocking.
struct KeeperClient {
  UniqueFd socket;
  link::FrameDecoder decoder = {};
  std::optional<link::Frame> waiting = {};  ///< a frame that does not fit
  bool over = false;                        ///< its end was read, or it broke the protocol
};

/// Takes a frame, or refuses a frame that does not fit now.
using TakeFrame = std::function<bool(const link::Frame& frame)>;

/// Takes the frames that have arrived. Sets `over` when no more come.
void read_client(KeeperClient& client, const TakeFrame& take);
/// Takes the frame that waited, and those behind it.
void retry_client(KeeperClient& client, const TakeFrame& take);
/// Shows the client that the log has grown. Does nothing while the client has not read earlier such news.
void notify_client(const KeeperClient& client);

}  // namespace banger::roles::agent
