// A guest, the gate and a server outside, all on loopback addresses of this process. Names below .vm may open them.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "catch.h"
#include "roles/gate/flow.h"
#include "roles/gate/http.h"
#include "support/run.h"

namespace banger::roles::gate {

inline constexpr net::Ipv4 kGuest = 0x7f000102, kServer = 0x7f000105, kUnknown = 0x7f000109;
inline constexpr const char* kVm = "abcdefghijkl";

/// pass_http() from the connection's first byte on.
inline Task<> pass_requests(FlowPtr flow) { return pass_http(std::move(flow), ""); }

/// One end of a connection, which reads all the time.
struct Peer {
  std::unique_ptr<net::TcpStream> stream;
  std::string got;  ///< and not taken yet
  enum { open, ended, broken } state = open;
};
using PeerPtr = std::shared_ptr<Peer>;

struct FlowFixture {
  FlowFixture() {
    gate = listen({0x7f000101, 0});
    outside = listen({kServer, 0});
    runtime.spawn(accept_all(*this));
    set({"*.vm"});
    open("web.vm");
  }
  ~FlowFixture() {
    guests.forget(kVm);
    for (auto& peer : peers) peer->stream.reset();
    outside.reset();
    pass_time();
  }
  FlowFixture(const FlowFixture&) = delete;
  FlowFixture& operator=(const FlowFixture&) = delete;

  /// The guest's policy from now on: none, except the rules.
  void set(const std::vector<std::string>& rules, const char* egress = "none") {
    REQUIRE(guests.set(kVm, kGuest, *egress::Policy::make(egress, rules)));
  }
  /// As a lookup of the name does.
  void open(const char* name, net::Ipv4 address = kServer) {
    auto& openings = guest()->openings();
    openings.open({{address, name, guest()->policy().ports_of(name), now() + std::chrono::minutes(5)}}, now());
  }
  GuestPtr guest() const { return guests.find(kVm); }
  std::vector<egress::LogRow> rows() const { return guest()->log().since(0); }
  /// The last refusal in the log.
  egress::LogRow refused() const {
    auto all = rows();
    std::erase_if(all, [](const auto& row) { return row.reason == egress::Reason::allowed; });
    REQUIRE(!all.empty());
    return all.back();
  }
  Destination server() const { return {kServer, outside->endpoint().port}; }

  /// A connection of the guest, which `way` passes on.
  PeerPtr connect(Task<> (*way)(FlowPtr), Destination to) {
    auto stream = test::run(runtime, net::connect_tcp(runtime, gate->endpoint(), host::after(kPatience)));
    REQUIRE(stream);
    auto accepted = test::run(runtime, gate->accept());
    REQUIRE(accepted);
    auto flow = std::make_shared<Flow>(runtime, guest(), to, std::move(*accepted));
    flows.push_back(flow);
    runtime.spawn(way(std::move(flow)));
    return add(std::move(*stream));
  }
  PeerPtr connect(Task<> (*way)(FlowPtr)) { return connect(way, server()); }
  /// The next connection at the server.
  PeerPtr caller() {
    REQUIRE(until([&] { return taken < callers.size(); }));
    return callers[taken++];
  }
  /// Whether the server has seen no connection but those that were taken.
  bool nobody_calls() {
    pass_time();
    return taken == callers.size();
  }

  void send(const PeerPtr& peer, std::string bytes) {
    REQUIRE(test::run(runtime, peer->stream->write(std::move(bytes))));
  }
  /// So many bytes, or fewer when the connection ends first.
  std::string hear(const PeerPtr& peer, std::size_t size) {
    CHECK(until([&] { return peer->got.size() >= size || peer->state != Peer::open; }));
    auto bytes = peer->got.substr(0, size);
    peer->got.erase(0, size);
    return bytes;
  }
  /// Whether exactly these bytes arrive.
  bool hears(const PeerPtr& peer, const std::string& bytes) { return hear(peer, bytes.size()) == bytes; }
  /// Whether nothing arrives for a while, although the connection goes on.
  bool is_quiet(const PeerPtr& peer) {
    pass_time();
    return peer->got.empty() && peer->state == Peer::open;
  }
  bool ends(const PeerPtr& peer) {
    return until([&] { return peer->state == Peer::ended; }) && peer->got.empty();
  }
  bool breaks(const PeerPtr& peer) {
    return until([&] { return peer->state == Peer::broken; }) && peer->got.empty();
  }
  /// Whether no part of the gate holds a connection any more.
  bool all_over() {
    return until([&] { return std::ranges::all_of(flows, [](const auto& flow) { return flow.expired(); }); });
  }

  bool until(std::function<bool()> condition) { return test::run(runtime, wait_until(runtime, std::move(condition))); }
  void pass_time() { test::run(runtime, runtime.sleep_for(std::chrono::milliseconds(30))); }

  static constexpr std::chrono::seconds kPatience{30};
  host::Runtime runtime;
  Guests guests{runtime, {0x7f000000, 8}, [](net::Ipv4) { return false; }};
  std::unique_ptr<net::TcpListener> gate, outside;
  std::vector<PeerPtr> peers, callers;
  std::size_t taken = 0;
  std::vector<std::weak_ptr<Flow>> flows;

 private:
  std::unique_ptr<net::TcpListener> listen(host::Endpoint where) {
    auto made = net::listen_tcp(runtime, where);
    REQUIRE(made);
    return std::move(*made);
  }
  PeerPtr add(std::unique_ptr<net::TcpStream> stream) {
    auto peer = std::make_shared<Peer>();
    peer->stream = std::move(stream);
    peers.push_back(peer);
    runtime.spawn(read_all(peer));
    return peer;
  }
  static Task<bool> wait_until(host::Runtime& runtime, std::function<bool()> condition) {
    auto deadline = host::after(kPatience);
    while (!condition() && host::Clock::now() < deadline) co_await runtime.sleep_for(std::chrono::milliseconds(1));
    co_return condition();
  }
  static Task<> accept_all(FlowFixture& f) {
    while (f.outside) {
      auto stream = co_await f.outside->accept();
      if (!stream) co_return;
      f.callers.push_back(f.add(std::move(*stream)));
    }
  }
  static Task<> read_all(PeerPtr peer) {
    while (peer->stream) {
      auto bytes = co_await peer->stream->read();
      if (bytes) peer->got += *bytes;
      if (!bytes) peer->state = Peer::broken;
      if (bytes && bytes->empty()) peer->state = Peer::ended;
      if (peer->state != Peer::open) co_return;
    }
  }
};

}  // namespace banger::roles::gate
