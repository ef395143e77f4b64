// TLS that the gate ends: where the values of secrets go, and where they do not.
#include "base/base64.h"
#include "ended_fixture.h"
#include "roles/gate/ended_tls.h"

using namespace banger;
using namespace banger::roles::gate;
using egress::Reason;

namespace {

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string get(const std::string& fields, const std::string& target = "/", const std::string& host = "api.vm") {
  return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n";
}

}  // namespace

TEST_CASE("gate secrets: the value takes the placeholder's place in any header field") {
  EndedFixture f;
  auto seen =
      f.exchange(get("Authorization: Bearer banger-secret-KEY\r\nx-api-key:banger-secret-KEY\r\nA: b\r\n"), kOk);
  CHECK(seen.request == get("Authorization: Bearer s3cr3t-value\r\nx-api-key:s3cr3t-value\r\nA: b\r\n"));
  CHECK(seen.answer == kOk);
  CHECK(f.reasons() == std::vector{Reason::allowed});
  CHECK(f.guest()->log().since(0)[0].name == "api.vm");
  CHECK(f.all_over());
}

TEST_CASE("gate secrets: Basic credentials are decoded, changed, and encoded again") {
  EndedFixture f;
  auto seen = f.exchange(get("Authorization: Basic " + to_base64("me:banger-secret-KEY") + "\r\n"), kOk);
  CHECK(seen.request == get("Authorization: Basic " + to_base64("me:s3cr3t-value") + "\r\n"));
}

TEST_CASE("gate secrets: the target, the body and answers stay as they are") {
  EndedFixture f;
  std::string body = "key=banger-secret-KEY";
  auto head = "POST /?k=banger-secret-KEY HTTP/1.1\r\nHost: api.vm\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n";
  std::string got, answer;
  auto said = "HTTP/1.1 200 OK\r\nX: banger-secret-KEY\r\nContent-Length: 28\r\n\r\nbanger-secret-KEY s3cr3t-value";
  f.serve([&](End& end) {
    got = end.head() + end.read(body.size());
    end.send(said);
    end.end();
  });
  f.visit([&](End& end) {
    end.send(head + body);
    answer = end.rest();
    CHECK(end.close == End::Close::clean);
  });
  f.finish();
  CHECK(got == head + body);
  CHECK(answer == said);
}

TEST_CASE("gate secrets: a connection to another host passes sealed, with the server's own certificate") {
  EndedFixture f;
  std::string issuer;
  std::string got;
  f.serve([&](End& end) {
    got = end.head();
    end.send(kOk);
    end.end();
  });
  f.visit(
      [&](End& end) {
        std::unique_ptr<X509, void (*)(X509*)> certificate(SSL_get1_peer_certificate(end.tls()), X509_free);
        char name[100] = "";
        X509_NAME_get_text_by_NID(X509_get_issuer_name(certificate.get()), NID_commonName, name, sizeof name);
        issuer = name;
        end.send(get("Authorization: banger-secret-KEY\r\n", "/", "other.vm"));
        end.rest();
      },
      "other.vm");
  f.finish();
  CHECK(issuer == "upstream");
  CHECK(got == get("Authorization: banger-secret-KEY\r\n", "/", "other.vm"));
}

TEST_CASE("gate secrets: a host of one secret does not get another one's value") {
  EndedFixture f;
  f.set(Json::array({EndedFixture::secret("KEY", "one", {"api.vm"}), EndedFixture::secret("TOKEN", "two", {"*.vm"}),
                     EndedFixture::secret("KEY_B", "three", {"b.vm"})}));
  auto fields = "A: banger-secret-KEY banger-secret-TOKEN banger-secret-KEY_B\r\n";
  CHECK(f.exchange(get(fields), kOk).request == get("A: one two banger-secret-KEY_B\r\n"));
  auto other = f.exchange(get(fields, "/", "other.vm"), kOk, "other.vm");
  CHECK(other.request == get("A: banger-secret-KEY two banger-secret-KEY_B\r\n", "/", "other.vm"));
}

TEST_CASE("gate secrets: a request inside for another host is refused, and no value leaves") {
  EndedFixture f;
  std::string got, answer;
  f.serve([&](End& end) { got = end.rest(); });
  f.visit([&](End& end) {
    end.send(get("A: banger-secret-KEY\r\n", "/", "evil.org"));
    answer = end.rest();
  });
  f.finish();
  CHECK(got.empty());
  CHECK(answer.starts_with("HTTP/1.1 403 "));
  CHECK(answer.find("is for another host") != answer.npos);
  CHECK(f.refused() == Reason::names_differ);
}

TEST_CASE("gate secrets: a server with another certificate gets nothing, and the guest a 502 with the reason") {
  EndedFixture f;
  test::Authority unknown(f.directory, "unknown");
  const std::tuple<test::ServerTls, std::string> wrong[] = {
      {unknown.sign("a", {.names = "DNS:api.vm"}), "from a CA that this host does not know"},
      {f.upstream.sign("b", {.names = "DNS:other.vm"}), "is for another host name"},
      {f.upstream.sign("c", {.names = "DNS:api.vm", .from_days = -3, .to_days = -1}), "has expired"},
      {f.upstream.sign("d", {.names = "DNS:api.vm", .self_signed = true}), "is signed by itself"},
  };
  for (const auto& [files, why] : wrong) {
    INFO(why);
    f.present(files);
    bool served = false;
    std::string answer;
    f.serve([&](End& end) { served = !end.rest().empty(); });
    f.visit([&](End& end) {
      end.send(get("A: banger-secret-KEY\r\n"));
      answer = end.rest();
    });
    f.finish();
    CHECK_FALSE(served);
    CHECK(answer.starts_with("HTTP/1.1 502 "));
    CHECK(answer.find(why) != answer.npos);
    CHECK(f.refused() == Reason::certificate_refused);
  }
}

TEST_CASE("gate secrets: a server without TLS is told apart from one with a wrong certificate") {
  EndedFixture f;
  std::string answer;
  f.add([&] {
    int socket = f.accept();
    ::send(socket, "220 hello\r\n", 11, 0);
    char byte[600];
    while (::recv(socket, byte, sizeof byte, 0) > 0) continue;
    ::close(socket);
  });
  f.visit([&](End& end) {
    end.send(get(""));
    answer = end.rest();
  });
  f.finish();
  CHECK(answer.starts_with("HTTP/1.1 502 "));
  CHECK(answer.find("does not speak TLS") != answer.npos);
  CHECK(f.refused() == Reason::tls_failed);
}

TEST_CASE("gate secrets: a server that wants a certificate of its client gets none, and the guest a 502") {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EndedFixture f;
    SSL_CTX_set_verify(f.server.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_max_proto_version(f.server.get(), version);
    std::string answer;
    f.serve([](End&) {});
    f.visit([&](End& end) {
      end.send(get("A: banger-secret-KEY\r\n"));
      answer = end.rest();
    });
    f.finish();
    CHECK(answer.starts_with("HTTP/1.1 502 "));
    CHECK(answer.find("the host's TLS connection has failed") != answer.npos);
    auto expected = version == TLS1_2_VERSION ? Reason::tls_failed : Reason::allowed;
    CHECK(f.refused() == expected);
    CHECK(f.all_over());
  }
}

TEST_CASE("gate secrets: a request that needs a missing value gets a 502 that names the secret") {
  EndedFixture f;
  f.set(Json::array({EndedFixture::secret("KEY", nullptr, {"api.vm"})}));
  std::string got, answer;
  f.serve([&](End& end) { got = end.rest(); });
  f.visit([&](End& end) {
    end.send(get("A: banger-secret-KEY\r\n"));
    answer = end.rest();
  });
  f.finish();
  CHECK(got.empty());
  CHECK(answer.starts_with("HTTP/1.1 502 "));
  CHECK(answer.find("the value of the secret KEY is missing") != answer.npos);
  CHECK(f.refused() == Reason::secret_missing);
  // Without the placeholder, the request needs no value.
  CHECK(f.exchange(get("A: b\r\n"), kOk).answer == kOk);
}

TEST_CASE("gate secrets: a changed value counts from the next request on, also in an open connection") {
  EndedFixture f;
  std::string first, second;
  std::atomic<bool> changed = false, answered = false;
  f.serve([&](End& end) {
    first = end.head();
    end.send(kOk);
    second = end.head();
    end.send(kOk);
    end.end();
  });
  f.visit([&](End& end) {
    end.send(get("A: banger-secret-KEY\r\n"));
    end.read(kOk.size());
    answered = true;
    while (!changed) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    end.send(get("A: banger-secret-KEY\r\n"));
    end.rest();
  });
  REQUIRE(f.until([&] { return answered.load(); }));
  f.set(Json::array({EndedFixture::secret("KEY", "newer", {"api.vm"})}));
  changed = true;
  f.finish();
  CHECK(first == get("A: s3cr3t-value\r\n"));
  CHECK(second == get("A: newer\r\n"));
}

TEST_CASE("gate secrets: a policy without the host cuts its connections, and a new secret those that pass sealed") {
  for (bool sealed : {false, true}) {
    EndedFixture f;
    std::atomic<bool> open = false;
    auto closed = End::Close::none;
    f.serve([&](End& end) {
      end.head();
      end.send(kOk);
      end.rest();
    });
    f.visit(
        [&](End& end) {
          end.send(get("", "/", sealed ? "other.vm" : "api.vm"));
          end.read(kOk.size());
          open = true;
          end.rest();
          closed = end.close;
        },
        sealed ? "other.vm" : "api.vm");
    REQUIRE(f.until([&] { return open.load(); }));
    if (sealed)
      f.set(Json::array({EndedFixture::secret("KEY", "v", {"*.vm"})}));
    else
      f.set(Json::array(), {"other.vm"});
    f.finish();
    CHECK(closed == End::Close::broken);
    CHECK(f.all_over());
  }
}

TEST_CASE("gate secrets: a guest that does not know the authority ends the handshake, which the log says") {
  EndedFixture f;
  f.client.reset(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_verify(f.client.get(), SSL_VERIFY_PEER, nullptr);
  bool served = false;
  f.serve([&](End& end) { served = !end.rest().empty(); });
  f.visit([](End&) {});
  f.finish();
  f.expected_trouble = "certificate verify failed";
  CHECK_FALSE(served);
  CHECK(f.until([&] { return f.refused() == Reason::guest_ended_tls; }));
  CHECK(f.all_over());
}

TEST_CASE("gate secrets: an address rule for the host does not keep its TLS closed") {
  EndedFixture f;
  f.way = pass_by_address;
  std::string got;
  f.serve([&](End& end) {
    got = end.head();
    end.send(kOk);
    end.end();
  });
  std::string answer;
  f.visit([&](End& end) {
    end.send(get("A: banger-secret-KEY\r\n"));
    answer = end.rest();
  });
  f.finish();
  CHECK(got == get("A: s3cr3t-value\r\n"));
  CHECK(answer == kOk);
}

TEST_CASE("gate secrets: the guest gets the protocol that the server has chosen, of those that the gate speaks") {
  EndedFixture f;
  EndedFixture::offer(f.client.get(), std::string("\x02h2\x08http/1.1", 12));
  std::string guest_has, server_has;
  auto chosen = [](End& end) {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(end.tls(), &name, &size);
    return std::string(reinterpret_cast<const char*>(name), size);
  };
  f.serve([&](End& end) { server_has = chosen(end); });
  f.visit([&](End& end) { guest_has = chosen(end); });
  f.finish();
  CHECK(server_has == "http/1.1");
  CHECK(guest_has == "http/1.1");
  EndedFixture::offer(f.client.get(), std::string("\x03xyz", 4));
  f.visit([](End&) {});
  f.finish();
  f.expected_trouble = "tlsv1 alert no application protocol";
  CHECK(f.refused() == Reason::no_common_protocol);
}
