// What the status of a registry's answer means to a person. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/client.h"

namespace banger::image::oci {

struct Refusal {
  std::string registry;  ///< "docker.io"
  std::string what;      ///< what was asked for: "docker.io/library/python:3.12", "layer 0123456789ab"
  bool logged_in = false;
};

/// The error of a status that is no success. Its hint says what to do. The registry's own message becomes part of it.
std::unexpected<Error> status_error(const http::Response& response, const Refusal& refusal);

/// The same for a push of `size_bytes`.
std::unexpected<Error> push_error(const http::Response& response, const Refusal& refusal, std::uint64_t size_bytes);

}  // namespace banger::image::oci
