// How bytes pass through TLS that the gate ends: bodies, answers without a length, other protocols, and abrupt ends.
#include <malloc.h>

#include "ended_fixture.h"
#include "roles/gate/bounds.h"

using namespace banger;
using namespace banger::roles::gate;
using egress::Reason;

namespace {

constexpr std::size_t kLarge = 100 << 20, kPiece = 1 << 16;
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const std::string kGet = "GET / HTTP/1.1\r\nHost: api.vm\r\nA: banger-secret-KEY\r\n\r\n";
const std::string kGot = "GET / HTTP/1.1\r\nHost: api.vm\r\nA: s3cr3t-value\r\n\r\n";

void nap(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

/// Sends so many bytes, whose values follow from their places.
bool send_large(End& end, std::size_t size) {
  std::string piece(kPiece, '\0');
  for (std::size_t at = 0; at < size; at += kPiece) {
    piece[0] = static_cast<char>(at >> 16);
    if (!end.send(piece)) return false;
  }
  return true;
}
/// Whether exactly these arrive.
bool takes_large(End& end, std::size_t size) {
  for (std::size_t at = 0; at < size; at += kPiece) {
    auto piece = end.read(kPiece);
    if (piece.size() != kPiece || piece[0] != static_cast<char>(at >> 16)) return false;
  }
  return true;
}
std::size_t heap() { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; }

}  // namespace

TEST_CASE("gate secrets: a large body passes, and an answer as large, with bounded memory") {
  std::size_t most = 0;  // outlives the watch, which ends with the runtime
  EndedFixture f;
  bool got = false, answered = false;
  f.serve([&](End& end) {
    end.head();
    got = takes_large(end, kLarge);
    end.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kLarge) + "\r\n\r\n");
    send_large(end, kLarge);
    end.end();
  });
  f.visit([&](End& end) {
    end.send("POST / HTTP/1.1\r\nHost: api.vm\r\nContent-Length: " + std::to_string(kLarge) + "\r\n\r\n");
    send_large(end, kLarge);
    end.head();
    answered = takes_large(end, kLarge) && end.some().empty();
  });
  auto before = heap();
  most = before;
  auto watch = [](host::Runtime& runtime, std::size_t& seen) -> Task<> {
    for (int i = 0; i < 500; ++i) {
      seen = std::max(seen, heap());
      co_await runtime.sleep_for(std::chrono::milliseconds(10));
    }
  };
  f.runtime.spawn(watch(f.runtime, most));
  f.finish();
  CHECK(got);
  CHECK(answered);
  CHECK(most - before < 8 << 20);
}

TEST_CASE("gate secrets: a side that reads nothing stops the other side, not the gate") {
  EndedFixture f;
  std::atomic<bool> go = false;
  std::atomic<std::size_t> sent = 0;
  bool got = false;
  f.serve([&](End& end) {
    end.head();
    while (!go) nap(1);
    got = takes_large(end, kLarge);
    end.end();
  });
  f.visit([&](End& end) {
    end.send("POST / HTTP/1.1\r\nHost: api.vm\r\nContent-Length: " + std::to_string(kLarge) + "\r\n\r\n");
    std::string piece(kPiece, '\0');
    for (std::size_t at = 0; at < kLarge; at += kPiece) {
      piece[0] = static_cast<char>(at >> 16);
      end.send(piece);
      sent += kPiece;
    }
    end.rest();
  });
  std::size_t last = 1;
  while (last != sent) {
    last = sent;
    test::run(f.runtime, f.runtime.sleep_for(std::chrono::milliseconds(300)));
  }
  CHECK(last < kLarge / 2);
  go = true;
  f.finish();
  CHECK(got);
}

TEST_CASE("gate secrets: chunks, trailers, and requests that follow at once keep their order") {
  EndedFixture f;
  std::string chunked =
      "POST / HTTP/1.1\r\nHost: api.vm\r\nTransfer-Encoding: chunked\r\n\r\n"
      "11\r\nbanger-secret-KEY\r\n0\r\nT: banger-secret-KEY\r\n\r\n";
  std::string got;
  f.serve([&](End& end) {
    got = end.read(chunked.size() + 2 * kGot.size());
    end.send(kOk + kOk + kOk);
    end.end();
  });
  std::string answer;
  f.visit([&](End& end) {
    end.send(chunked + kGet + kGet);
    answer = end.rest();
  });
  f.finish();
  CHECK(got == chunked + kGot + kGot);
  CHECK(answer == kOk + kOk + kOk);
}

TEST_CASE("gate secrets: what can be read in two ways is refused inside TLS too") {
  EndedFixture f;
  std::string got, answer;
  f.serve([&](End& end) { got = end.rest(); });
  f.visit([&](End& end) {
    end.send("POST / HTTP/1.1\r\nHost: api.vm\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
    answer = end.rest();
  });
  f.finish();
  CHECK(got.empty());
  CHECK(answer.starts_with("HTTP/1.1 403 "));
  CHECK(f.refused() == Reason::not_http);
}

TEST_CASE("gate secrets: 100-continue, an answer to HEAD, and events arrive as they are sent") {
  EndedFixture f;
  std::string body, events;
  std::atomic<int> seen = 0;
  f.serve([&](End& end) {
    end.head();
    end.send("HTTP/1.1 100 Continue\r\n\r\n");
    body = end.read(4);
    end.send(kOk);
    end.head();
    end.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    end.head();
    end.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    for (int i = 1; i < 4; ++i) {
      end.send("data: x\n\n");
      while (seen < i) nap(1);
    }
    end.end();
  });
  f.visit([&](End& end) {
    end.send("POST / HTTP/1.1\r\nHost: api.vm\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    CHECK(end.head() == "HTTP/1.1 100 Continue\r\n\r\n");
    end.send("body");
    CHECK(end.read(kOk.size()) == kOk);
    end.send("HEAD / HTTP/1.1\r\nHost: api.vm\r\n\r\n");
    end.head();
    end.send(kGet);
    end.head();
    for (int i = 1; i < 4; ++i) {
      events += end.read_to("\n\n");
      seen = i;
    }
    CHECK(end.some().empty());
    CHECK(end.close == End::Close::clean);
  });
  f.finish();
  CHECK(body == "body");
  CHECK(events == "data: x\n\ndata: x\n\ndata: x\n\n");
}

TEST_CASE("gate secrets: after the switch to WebSocket any bytes pass both ways") {
  EndedFixture f;
  std::string head, frames, back;
  f.serve([&](End& end) {
    head = end.head();
    end.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
    frames = end.read(17);
    end.send("frames");
    end.end();
  });
  f.visit([&](End& end) {
    end.send(
        "GET / HTTP/1.1\r\nHost: api.vm\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nA: banger-secret-KEY\r\n\r\n");
    end.head();
    end.send("banger-secret-KEY");
    back = end.rest();
  });
  f.finish();
  CHECK(head.find("A: s3cr3t-value\r\n") != head.npos);
  CHECK(frames == "banger-secret-KEY");
  CHECK(back == "frames");
}

TEST_CASE("gate secrets: an answer that is cut short ends without close_notify, after all of its bytes") {
  EndedFixture f;
  std::string answer;
  f.serve([&](End& end) {
    end.head();
    end.send("HTTP/1.1 200 OK\r\n\r\nhalf");
    end.end_without_notify();
  });
  auto close = End::Close::none;
  f.visit([&](End& end) {
    end.send(kGet);
    answer = end.rest();
    close = end.close;
  });
  f.finish();
  CHECK(answer == "HTTP/1.1 200 OK\r\n\r\nhalf");
  CHECK(close == End::Close::cut);
  CHECK(f.all_over());
}

TEST_CASE("gate secrets: a guest that is cut short is no ordinary end for the server") {
  EndedFixture f;
  auto close = End::Close::none;
  f.serve([&](End& end) {
    end.head();
    end.rest();
    close = end.close;
  });
  f.visit([&](End& end) {
    end.send("POST / HTTP/1.1\r\nHost: api.vm\r\nContent-Length: 10\r\n\r\nhalf");
    end.end_without_notify();
    end.rest();
  });
  f.finish();
  CHECK(close != End::Close::clean);
  CHECK(close != End::Close::none);
  CHECK(f.all_over());
}

TEST_CASE("gate secrets: each direction ends by itself") {
  EndedFixture f;
  std::string answer;
  auto close = End::Close::none;
  f.serve([&](End& end) {
    end.head();
    end.rest();
    close = end.close;
    end.send(kOk);
    end.end();
  });
  f.visit([&](End& end) {
    end.send(kGet);
    end.end();
    answer = end.rest();
    CHECK(end.close == End::Close::clean);
  });
  f.finish();
  CHECK(close == End::Close::clean);
  CHECK(answer == kOk);
}

TEST_CASE("gate secrets: a side that is reset resets the other") {
  for (bool guest_resets : {false, true}) {
    EndedFixture f;
    auto close = End::Close::none;
    std::atomic<bool> open = false;
    auto die = [&](End& end) {
      while (!open) nap(1);
      end.reset();
    };
    auto wait = [&](End& end) {
      open = true;
      end.rest();
      close = end.close;
    };
    f.serve([&](End& end) {
      end.head();
      guest_resets ? wait(end) : die(end);
    });
    f.visit([&](End& end) {
      end.send(kGet);
      guest_resets ? die(end) : wait(end);
    });
    f.finish();
    CHECK(close == End::Close::broken);
    CHECK(f.all_over());
  }
}

TEST_CASE("gate secrets: TLS 1.2 and 1.3 meet on either side") {
  for (int guest : {TLS1_2_VERSION, TLS1_3_VERSION})
    for (int server : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      EndedFixture f;
      SSL_CTX_set_max_proto_version(f.client.get(), guest);
      SSL_CTX_set_max_proto_version(f.server.get(), server);
      auto seen = f.exchange(kGet, kOk);
      CHECK(seen.request == kGot);
      CHECK(seen.answer == kOk);
    }
}

TEST_CASE("gate secrets: a ClientHello and a request may come byte by byte") {
  EndedFixture f;
  std::string got, answer;
  f.serve([&](End& end) {
    got = end.head();
    end.send(kOk);
    end.end();
  });
  f.add([&] {
    End raw(f.connect());
    auto* tls = SSL_new(f.client.get());
    SSL_set_tlsext_host_name(tls, "api.vm");
    SSL_set1_host(tls, "api.vm");
    SSL_set_connect_state(tls);
    auto *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL_set_bio(tls, in, out);
    auto pass = [&] {
      char byte = 0, bytes[4096];
      while (BIO_read(out, &byte, 1) == 1) {
        ::send(raw.socket(), &byte, 1, 0);
        if (answer.empty()) std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
      auto size = ::recv(raw.socket(), bytes, sizeof bytes, 0);
      if (size > 0) BIO_write(in, bytes, static_cast<int>(size));
      return size > 0;
    };
    while (SSL_do_handshake(tls) != 1 && pass()) continue;
    SSL_write(tls, kGet.data(), static_cast<int>(kGet.size()));
    char bytes[4096];
    for (int size = 0; answer.size() < kOk.size() && pass();)
      if ((size = SSL_read(tls, bytes, sizeof bytes)) > 0) answer.append(bytes, static_cast<std::size_t>(size));
    SSL_free(tls);
  });
  f.finish();
  CHECK(got == kGot);
  CHECK(answer == kOk);
}

TEST_CASE("gate secrets: two hundred connections at once take little memory, and leave none") {
  EndedFixture f;
  constexpr int kMany = 200;
  std::atomic<int> open = 0, right = 0;
  std::atomic<bool> go = false;
  auto before = heap();
  f.add([&] {
    std::vector<std::unique_ptr<End>> ends;
    while (ends.size() < kMany) {
      auto end = std::make_unique<End>(f.accept());
      if (!end->start(f.server.get(), nullptr)) break;
      if (end->head() == kGot) ++right;
      ends.push_back(std::move(end));
    }
    while (!go) nap(1);
  });
  f.add([&] {
    std::vector<std::unique_ptr<End>> ends;
    for (int i = 0; i < kMany; ++i) {
      ends.push_back(std::make_unique<End>(f.connect()));
      if (ends.back()->start(f.client.get(), "api.vm") && ends.back()->send(kGet)) ++open;
    }
    while (!go) nap(1);
  });
  REQUIRE(f.until([&] { return open == kMany && right == kMany; }));
  // Both peers are in this process too, so this is twice what the gate has.
  CHECK((heap() - before) / kMany < 256 << 10);
  go = true;
  f.finish();
  CHECK(f.all_over());
}
