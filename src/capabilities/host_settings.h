// The time zone and the locale of the host, as values of variables. Both are for guests whose owner asks for them.
#pragma once

#include <string>

#include "base/result.h"
#include "host/paths.h"

namespace banger::capabilities {

/// The value of TZ for a zone, or for "host". It is the rule of the zone (tzset(3)) if this host has the zone's file,
/// because a guest may lack the file. Otherwise it is the name. Empty: the host has no zone of its own.
std::string timezone_value(const std::string& wanted, const std::string& root = "");

/// The value of LANG for a locale, or for "host": that of this process, or else that of the host's files. Empty: there
/// is none.
std::string locale_value(const std::string& wanted, const host::GetEnv& env, const std::string& root = "");

}  // namespace banger::capabilities
