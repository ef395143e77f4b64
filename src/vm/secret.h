// A secret that the gate of a VM's egress policy puts into requests to some hosts. A VM's record has its name and
// hosts. Its value never becomes part of a record. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::vm {

struct Secret {
  std::string name;                ///< of the guest's environment variable
  std::vector<std::string> hosts;  ///< as in rules of egress policies; empty: those that the config has for the name
  friend bool operator==(const Secret&, const Secret&) = default;
};

/// Parses "NAME" or "NAME@HOST,HOST". Only the form is checked, and the name; hosts are in capabilities/secret_hosts.h.
Result<Secret> parse_secret(std::string_view text);
/// "NAME@HOST,HOST".
std::string to_string(const Secret& secret);

/// What the guest's variable has in place of the value. Equal in all VMs, so copies of a guest need no change.
std::string placeholder(std::string_view name);

/// `invalid` for a name that is no variable of a shell, or that programs, banger or the loader use themselves.
Result<> check_secret_name(std::string_view name);
/// `invalid` for too many secrets or hosts, and for a name that is there twice or in `environment` too.
Result<> check_secrets(const std::vector<Secret>& secrets, const std::map<std::string, std::string>& environment);
/// `invalid` for a value that no header can have, or that is too long. No error contains the value.
Result<> check_secret_value(std::string_view name, std::string_view value);

}  // namespace banger::vm
