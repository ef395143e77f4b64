// Errors as they travel over the link: an HTTP status and a JSON body {"code", "message"}.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::link {

int status_for(ErrorCode code);
std::string error_body(const Error& error);

}  // namespace banger::link
