// One request and its response over an open connection.
#pragma once

#include <string>

#include "http/client.h"
#include "http/fault.h"
#include "http/receiver.h"
#include "http/stream.h"

namespace banger::http {

struct Exchanged {
  Response response;
  bool reusable = false;  ///< whether the connection can carry another request
};

/// Sends `head` and the request's body, then reads the response. The body of a 2xx response goes to the receiver. Other
/// bodies are in the response, cut at limits::kErrorBodyBytes. The stream, request and receiver are borrowed.
Task<Attempt<Exchanged>> exchange(host::Runtime& runtime, Stream& stream, const Request& request, std::string head,
                                  Receiver& receiver, Patience patience);

/// Asks the proxy at the other end of the stream for a tunnel. The stream then leads to the server of the URL.
Task<Result<>> open_tunnel(Stream& stream, std::string head, Patience patience);

}  // namespace banger::http
