// The values of [[file_sync]]: paths of both sides, and modes. Pure.
#pragma once

#include <string>

#include "config/schema.h"

namespace banger::config {

/// The value of a key whose type is host_path, guest_path or file_mode. Errors are `invalid` and name the key.
Result<Value> check_path_value(const Key& key, const std::string& value);

}  // namespace banger::config
