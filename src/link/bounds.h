// Bounds of the link between daemon and agent, each with its reason. The guest is hostile. Bounds that several folders
// share are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/bounds.h"

namespace banger::limits {

// -- HTTP/2
inline constexpr std::size_t kLinkStreams = 256;                 ///< concurrent HTTP/2 streams per link
inline constexpr std::size_t kLinkStreamWindowBytes = 1 * kMiB;  ///< HTTP/2 flow-control window per stream
inline constexpr std::size_t kLinkConnectionWindowBytes =
    4 * kMiB;  ///< HTTP/2 flow-control window for all streams together
/// One stream's headers as HTTP/2 counts them; real ones are below 1 KiB.
inline constexpr std::size_t kLinkHeaderBytes = 16 * kKiB;
/// CONTINUATION frames after a HEADERS frame; stops an endless header block.
inline constexpr std::size_t kLinkContinuations = 4;
inline constexpr std::size_t kLinkQueueBytes = 256 * kKiB;  ///< unsent bytes of one stream at which its writer waits
inline constexpr std::size_t kLinkReadBytes = 128 * kKiB;   ///< one read of the channel; more gains no throughput
inline constexpr std::size_t kLinkReplyFrames =
    4096;  ///< control frames a peer may make this end queue without reading any
inline constexpr std::size_t kLinkErrorBytes = 2 * kKiB;  ///< an error text from the guest

// -- handshake and channel
inline constexpr auto kLinkSyncRetry = 250ms;   ///< pause before the host repeats an unanswered hello
inline constexpr auto kLinkFirstBackOff = 2ms;  ///< pause before a port without a peer is tried again; it then doubles
inline constexpr auto kLinkLastBackOff = 50ms;  ///< longest such pause: a host that comes back waits so long at most

// -- requests to the agent and their answers
inline constexpr auto kLinkRequestDeadline = 30s;  ///< for the head of the response to a short request
/// Silence of a guest that owes an answer, before a PING; the same again, before the request fails.
inline constexpr auto kLinkSilence = 10s;
inline constexpr std::size_t kLinkJsonBytes = 1 * kMiB;  ///< a JSON body from the guest (stats, ports, health)
inline constexpr std::size_t kPortRows = 512;            ///< listeners in one answer, which stays below kLinkJsonBytes
inline constexpr std::size_t kPortCommandBytes = 256;    ///< of a listener's command line
inline constexpr auto kTunnelConnectDeadline =
    10s;  ///< for a TCP connection from the guest; the kernel retries after 1, 3 and 7 s

// -- exec
inline constexpr std::size_t kLinkFrameBytes = 64 * kKiB;  ///< one exec frame's payload
/// The JSON of an exec spec. Its texts have kExecBytes at most, and JSON writes a control character in 6 bytes.
inline constexpr std::size_t kExecSpecBytes = 16 * kMiB;
inline constexpr std::size_t kExecNameBytes = 256;  ///< a user's name, or TERM

}  // namespace banger::limits
