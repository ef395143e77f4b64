// A registry in memory, in place of the network.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "host/runtime.h"
#include "image/oci/digest.h"
#include "image/oci/transport.h"

namespace banger::test {

/// Answers by method and URL: "GET https://host/v2/". Everything else is a 404, and hosts without an answer refuse
/// connections.
class FakeRegistry : public image::oci::Transport {
 public:
  using Answer = std::function<http::Response(const http::Request&)>;
  std::map<std::string, Answer> answers;
  std::vector<http::Request> requests;
  Answer otherwise = [](const http::Request&) { return response(404); };

  static http::Response response(int status, std::string body = "", http::Headers headers = {}) {
    return {.status = status, .headers = std::move(headers), .body = std::move(body), .url = {}};
  }
  void put(const std::string& what, int status, std::string body = "", http::Headers headers = {}) {
    answers[what] = [=](const http::Request&) { return response(status, body, headers); };
  }
  /// "GET URL", one for each request.
  std::vector<std::string> asked() const {
    std::vector<std::string> list;
    for (const auto& request : requests) list.push_back(request.method + " " + to_string(request.url));
    return list;
  }
  std::size_t count(const std::string& what) const {
    std::size_t found = 0;
    for (const auto& one : asked()) found += one == what;
    return found;
  }

  Task<Result<http::Response>> send(http::Request request) override {
    requests.push_back(request);
    auto host = request.url.scheme + "://" + host_and_port(request.url) + "/";
    bool known = false;
    for (const auto& [what, answer] : answers) known = known || what.find(" " + host) != what.npos;
    if (!known) co_return fail(ErrorCode::unavailable, "connection refused");
    auto found = answers.find(request.method + " " + to_string(request.url));
    co_return found == answers.end() ? otherwise(request) : found->second(request);
  }

  Task<Result<http::Response>> download(http::Request request, http::Download download) override {
    auto what = request.method + " " + to_string(request.url);
    offsets.push_back(download.offset);
    auto answer = CO_TRY(co_await send(std::move(request)));
    if (answer.status != 200) co_return answer;
    if (download.offset > answer.body.size()) co_return fail(ErrorCode::corrupt, "too short");
    if (download.size_bytes && *download.size_bytes != answer.body.size())
      co_return fail(ErrorCode::corrupt, "another size");
    auto broken = breaks.extract(what);
    for (auto rest = std::string_view(answer.body).substr(download.offset); !rest.empty();) {
      if (broken && answer.body.size() - rest.size() >= broken.mapped().first)
        co_return response(broken.mapped().second);
      auto piece = rest.substr(0, piece_bytes);
      CO_TRY(co_await download.write(piece));
      rest.remove_prefix(piece.size());
    }
    answer.body.clear();
    co_return answer;
  }

  std::size_t piece_bytes = 1000;
  /// After so many bytes, the download ends once with this status. By the answer's key.
  std::map<std::string, std::pair<std::size_t, int>> breaks;
  std::vector<std::uint64_t> offsets;  ///< at which downloads began
};

}  // namespace banger::test
