// How the registry client reaches servers. Tests put their own server in its place.
#pragma once

#include "http/client.h"

namespace banger::image::oci {

/// The two calls of http::Client that pulls need, with the same rules and errors.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Task<Result<http::Response>> send(http::Request request) = 0;
  virtual Task<Result<http::Response>> download(http::Request request, http::Download download) = 0;
};

/// The network. `client` must outlive it.
class NetworkTransport : public Transport {
 public:
  explicit NetworkTransport(http::Client& client) : client_(client) {}
  Task<Result<http::Response>> send(http::Request request) override { return client_.send(std::move(request)); }
  Task<Result<http::Response>> download(http::Request request, http::Download download) override {
    return client_.download(std::move(request), std::move(download));
  }

 private:
  http::Client& client_;
};

}  // namespace banger::image::oci
