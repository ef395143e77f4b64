// A runtime for one test, channels for it, and a guest that answers a few requests.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "link/link.h"

namespace banger::link::test {

inline const std::string kToken = "0123456789abcdef";

struct Ends {
  UniqueFd host, guest;
};
Ends make_socketpair();
UniqueFd duplicate(const UniqueFd& fd);
UniqueFd duplicate(int fd);

/// Runs one coroutine to its end, then stops. Other waiting coroutines are destroyed with the runtime. Fails only after
/// minutes, because test machines are busy.
class Fixture {
 public:
  template <class Body>
  bool run(Body body) {
    bool done = false;
    runtime.spawn(whole(body, done));
    runtime.spawn(watchdog());
    runtime.run();
    return done;
  }
  host::Runtime runtime{1};

 private:
  template <class Body>
  Task<> whole(Body& body, bool& done) {
    co_await body();
    done = true;
    runtime.stop();
  }
  Task<> watchdog() {
    co_await runtime.sleep_for(std::chrono::minutes(4));
    runtime.stop();
  }
};

/// The state that a guest under test shares with the test.
struct GuestLog {
  explicit GuestLog(host::Runtime& runtime) : changed(runtime), go(runtime) {}
  host::Event changed;  ///< any of the members below
  host::Event go;       ///< lets `/hold` continue
  bool released = false;
  std::size_t handlers = 0;  ///< running
  std::size_t written = 0;   ///< by /source
  std::string last_error;    ///< code of the error in the last broken handler
};

/// The guest's routes:
///   POST /echo           returns the body
///   POST /sink           answers {"bytes", "pattern"}
///   GET /source?bytes=N  sends pattern()
///   GET /hello?name=X    greets
///   GET /refuse          answers an error
///   POST /hold           reads nothing until `go`, then behaves as /sink
///   GET /silent          never answers
///   POST /early          answers without reading
///   GET /drop            ends without an answer
///   CONNECT              answers 200, then returns each byte
Handler make_guest(std::shared_ptr<GuestLog> log);

/// Part of an endless stream, the same for everyone.
std::string pattern(std::uint64_t from, std::size_t size);

/// Counts the bytes that arrived and checks that they are the pattern from its start.
class Tally {
 public:
  void add(std::string_view bytes);
  std::string text() const;

 private:
  std::uint64_t bytes_ = 0;
  bool exact_ = true;
};

Task<> serve(std::shared_ptr<Server> server);
std::shared_ptr<Server> start_guest(host::Runtime& runtime, UniqueFd channel, std::shared_ptr<GuestLog> log);

inline host::Deadline soon() { return host::after(std::chrono::minutes(1)); }

/// A guest of that kind, and the host end of its channel.
struct Linked {
  explicit Linked(Fixture& fixture)
      : log(std::make_shared<GuestLog>(fixture.runtime)), ends(make_socketpair()), guest(ends.guest.get()) {
    server = start_guest(fixture.runtime, std::move(ends.guest), log);
  }
  Task<std::shared_ptr<Client>> connect(Fixture& fixture) {
    auto client = co_await link::connect(fixture.runtime, std::move(ends.host), kToken, soon());
    co_return client ? *client : nullptr;
  }
  std::shared_ptr<GuestLog> log;
  Ends ends;
  int guest;  ///< the number of the guest's channel
  std::shared_ptr<Server> server;
};

}  // namespace banger::link::test
