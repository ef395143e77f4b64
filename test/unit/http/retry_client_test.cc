// Which requests the client sends again, and when.
#include "fixture.h"

using namespace banger;
using namespace std::chrono_literals;
using test::Fixture;
using test::response;
using test::text_of;

namespace {

using Pauses = std::vector<std::chrono::milliseconds>;

/// Answers the first requests with these responses, and later ones with "200 done". "" closes the connection.
struct Scripted : Fixture {
  explicit Scripted(std::vector<std::string> first)
      : server(test::answering([script = std::move(first), next = std::size_t{0}](auto&) mutable {
          return next < script.size() ? script[next++] : response(200, "done");
        })) {}
  std::unique_ptr<test::Server> server;
};

}  // namespace

TEST_CASE("retry: a transient status is tried again, with growing pauses") {
  Scripted all({response(503, "a"), response(429, "b"), response(500, "c")});
  CHECK(text_of(all.get(all.server->url())) == "200 done");
  CHECK(all.pauses == Pauses{250ms, 500ms, 1000ms});
}

TEST_CASE("retry: the last attempt's response is the result") {
  Scripted all(std::vector(10, response(503, "busy")));
  CHECK(text_of(all.get(all.server->url())) == "503 busy");
  CHECK(all.server->requests().size() == limits::kHttpAttempts);
}

TEST_CASE("retry: other statuses are final") {
  Scripted all({response(404, "no")});
  CHECK(text_of(all.get(all.server->url())) == "404 no");
}

TEST_CASE("retry: Retry-After sets the pause, in seconds or as a date") {
  Scripted all({response(429, "", "Retry-After: 7\r\n"),
                response(503, "", "Retry-After: Sun, 06 Nov 1994 08:49:47 GMT\r\n"),
                response(503, "", "Retry-After: nonsense\r\n")});
  all.options.waits.now = [] { return std::chrono::system_clock::from_time_t(784111777); };
  CHECK(text_of(all.get(all.server->url())) == "200 done");
  CHECK(all.pauses == Pauses{7s, 10s, 1s});
}

TEST_CASE("retry: a pause that is too long is not waited for") {
  Scripted all({response(429, "later", "Retry-After: 3600\r\n")});
  CHECK(text_of(all.get(all.server->url())) == "429 later");
  CHECK(all.pauses.empty());
  Scripted soon({response(429, "later", "Retry-After: 30\r\n")});
  auto request = Fixture::request(soon.server->url());
  request.deadlines.whole = host::after(10s);
  CHECK(text_of(soon.send(request)) == "429 later");
}

TEST_CASE("retry: a connection that breaks is tried again") {
  Scripted all({"", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut"});
  // The second answer leaves the client waiting for the rest, until it stalls.
  auto request = Fixture::request(all.server->url());
  request.deadlines.stall = 500ms;
  CHECK(text_of(all.send(request)) == "200 done");
  CHECK(all.pauses.size() == 2);
}

TEST_CASE("retry: POST is sent once, whatever happens to it") {
  Scripted all({response(503, "busy"), "", response(201, "")});
  CHECK(text_of(all.send(Fixture::request(all.server->url(), "POST"))) == "503 busy");
  CHECK(text_of(all.send(Fixture::request(all.server->url(), "POST"))).starts_with("unavailable: "));
  CHECK(all.server->requests().size() == 2);
  CHECK(all.pauses.empty());
}

TEST_CASE("retry: a refused connection is tried again, as nothing was sent") {
  std::string url;
  {
    test::Server gone([](test::Peer&) {});
    url = gone.url();
  }
  for (auto* method : {"GET", "POST"}) {
    Fixture all;
    auto text = text_of(all.send(Fixture::request(url, method)));
    CHECK(text.starts_with("unavailable: 127.0.0.1:"));
    CHECK(text.find("Connection refused (hint: is the server running, and is the port right?)") != text.npos);
    CHECK(all.pauses.size() == limits::kHttpAttempts - 1);
  }
}

TEST_CASE("retry: one attempt is one attempt") {
  Scripted all({response(503, "busy")});
  auto request = Fixture::request(all.server->url());
  request.attempts = 1;
  CHECK(text_of(all.send(request)) == "503 busy");
}

TEST_CASE("retry: every attempt sends the body from its start") {
  Scripted all({response(503, "")});
  auto put = Fixture::request(all.server->url(), "PUT");
  put.body = "body";
  CHECK(text_of(all.send(put)) == "200 done");
  CHECK(all.server->requests().at(0) == all.server->requests().at(1));
}
