// The rules for single values of a guest config. Pure; each fails with `invalid` and a sentence about the value.
#pragma once

#include <string_view>

#include "base/result.h"

namespace banger::guestcfg {

Result<> check_host_name(std::string_view name);      ///< RFC 1123 labels, at most 64 bytes (Linux HOST_NAME_MAX)
Result<> check_absolute_path(std::string_view path);  ///< starts with '/', no "." or ".." part, no control bytes
Result<> check_ip(std::string_view address);          ///< IPv4 or IPv6
Result<> check_cidr(std::string_view cidr);           ///< IPv4 with a prefix length of 1 to 32
Result<> check_mac(std::string_view mac);             ///< lower case, colon separated, unicast
Result<> check_user_name(std::string_view user);      ///< as useradd(8) accepts them
Result<> check_unit_name(std::string_view name);      ///< systemd.unit(5), with its type suffix
Result<> check_hex(std::string_view text, std::size_t digits);  ///< exactly that many lower-case hex digits
/// One certificate as PEM, with nothing before it and a line break at its end.
Result<> check_certificate(std::string_view pem);
Result<> check_one_line(std::string_view text);  ///< no line break, no NUL

}  // namespace banger::guestcfg
