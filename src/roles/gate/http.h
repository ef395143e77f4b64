// The guest's side of a connection without TLS on which each request's own host decides (egress/verdict.h).
#pragma once

#include <string_view>

#include "roles/gate/flow.h"

namespace banger::roles::gate {

/// Reads request after request, and passes on those that the policy allows. The first one connects the flow unless it
/// is connected. The guest gets a 403 if its first request is refused; a later one ends the connection, whose answers
/// may still be on their way. `first`: bytes that were read already.
Task<> pass_http(FlowPtr flow, std::string first);

/// The same inside a connection whose TLS the gate ends. All requests must be for that host, its name in TLS. The
/// values of secrets take the places of their placeholders. REQUIRES: connected, answers pass.
Task<> pass_ended(FlowPtr flow, std::string host);

/// An answer of the gate itself, after which the connection ends. `status` is like "403 Forbidden".
std::string answer_of(std::string_view status, std::string_view sentence);

/// Whether the first bytes of a connection may be those of a request. `need_more` for less than a method and the first
/// bytes of a target.
enum class Looks { need_more, like_http, different };
Looks look_at(std::string_view first);

}  // namespace banger::roles::gate
