// A client for tests: it knows no certificate of this host, resolves names by a file of its own, and never really
// pauses.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "catch.h"
#include "http/client.h"
#include "server.h"
#include "support/run.h"
#include "support/temp_dir.h"

namespace banger::test {

struct Fixture {
  TempDir dir;
  host::Runtime runtime{1};
  http::Options options;
  std::unique_ptr<http::Client> made;
  std::vector<std::chrono::milliseconds> pauses;  ///< those that the client asked for

  Fixture() {
    options.hosts_file = dir / "hosts";
    options.resolv_conf = dir / "resolv.conf";
    options.trust.host_directories = {dir / "certs.d"};
    options.waits.sleep = [this](std::chrono::milliseconds pause) -> Task<> {
      pauses.push_back(pause);
      co_return;
    };
    options.waits.random = [] { return 0.0; };
  }

  http::Client& client() {
    if (!made) made = std::make_unique<http::Client>(runtime, options);
    return *made;
  }

  static http::Request request(const std::string& url, std::string method = "GET") {
    auto parsed = http::parse_url(url);
    INFO(url);
    REQUIRE(parsed.has_value());
    http::Request request{.url = *parsed, .method = std::move(method), .plain = http::Plain::allowed};
    request.deadlines.whole = host::after(std::chrono::seconds(60));
    return request;
  }

  Result<http::Response> send(http::Request request) { return run(runtime, client().send(std::move(request))); }
  Result<http::Response> get(const std::string& url) { return send(request(url)); }
};

/// "STATUS BODY", or the error's code and sentence.
inline std::string text_of(const Result<http::Response>& result) {
  if (!result) return std::string(to_string(result.error().code)) + ": " + result.error().sentence();
  return std::to_string(result->status) + " " + result->body;
}

}  // namespace banger::test
