// The gate's role: `bangerd-gate`. Connections and lookups of guests with an egress policy pass through it, and nothing
// else of theirs leaves the bridge (net/ruleset.h).
//
//   guest ── lookup ──► names: what the policy allows is asked of a server; the answer's addresses are open for a while
//         ── TCP ─────► proxy: by address, or by the name that a ClientHello or a request has ──► the destination
//
// The gate parses what hostile guests and hosts outside send. So it has no rights, opens no files, and starts nothing.
// It outlives the daemon, and the next daemon uses it again. If it ends, its guests reach nothing until it is started
// again: the firewall knows no other way.
#pragma once

namespace banger::roles::gate {

int run(int argc, char** argv);

}  // namespace banger::roles::gate
