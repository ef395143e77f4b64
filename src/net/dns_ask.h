// Passes a DNS question on to another server (RFC 1035). Any bytes of the server are safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/endpoint.h"
#include "host/runtime.h"

namespace banger::net {

/// The name, type and class of a message's question in lower case, because names differ in case only (RFC 4343). Empty
/// for a malformed message.
std::string dns_question_of(std::string_view message);

/// The message with another number: two bytes.
std::string with_dns_number(std::string_view message, std::string_view number);
std::string_view dns_number_of(std::string_view message);
std::string random_dns_number();

/// Asks once over UDP, from a socket of its own, so a forged answer has to know its port too. The answer is to this
/// question, and has its number. nullopt: nobody listens there, or no answer within limits::kDnsServerPatience.
Task<std::optional<std::string>> ask_dns_server(host::Runtime& runtime, host::Endpoint server, std::string query);

/// The same over TCP, within limits::kDnsServerPatience.
Task<std::optional<std::string>> ask_dns_over_tcp(host::Runtime& runtime, host::Endpoint server, std::string query);

}  // namespace banger::net
