// Heads of requests: what a proxy must understand, and everything that two servers could read in two ways.
#include "egress/http_head.h"

#include "catch.h"
#include "egress/bounds.h"

using namespace banger;
using namespace banger::egress;

namespace {

HttpHead read(const std::string& text) {
  HttpHeadParser parser;
  INFO(text);
  REQUIRE(parser.feed(text) == HeadState::found);
  CHECK(parser.bytes() == text.size());
  CHECK(parser.fault() == HeadFault::none);
  return parser.head();
}

HeadFault fault_of(const std::string& text) {
  HttpHeadParser parser;
  parser.feed(text);
  CHECK((parser.state() == HeadState::refused) == (parser.fault() != HeadFault::none));
  return parser.fault();
}

/// A sound request with more fields.
std::string get(const std::string& fields) { return "GET / HTTP/1.1\r\nHost: a.org\r\n" + fields + "\r\n"; }

struct Bad {
  HeadFault fault;
  std::string text;
};

}  // namespace

TEST_CASE("http head: a usual request") {
  auto head =
      read("GET /a/b?c=d HTTP/1.1\r\nHost: Example.org\r\nUser-Agent:curl/8\r\nAccept: \t */* \t\r\nX:\r\n\r\n");
  CHECK(head.method == "GET");
  CHECK(head.target == "/a/b?c=d");
  CHECK(head.form == TargetForm::origin);
  CHECK(head.minor_version == 1);
  CHECK(head.host.name == "example.org");
  CHECK(head.port == 0);
  CHECK(head.framing == Framing::none);
  REQUIRE(head.fields.size() == 4);
  CHECK(head.fields[1] == HttpField{"User-Agent", "curl/8"});
  CHECK(head.fields[2] == HttpField{"Accept", "*/*"});
  CHECK(head.fields[3] == HttpField{"X", ""});
}

TEST_CASE("http head: pieces of any size give the same, and what follows does not matter") {
  std::string text = "POST /x HTTP/1.1\r\nHost: a.org:80\r\nContent-Length: 5\r\nCookie: \xc3\xa4\r\n\r\n";
  auto expected = read(text);
  for (std::size_t piece = 1; piece < 20; ++piece) {
    HttpHeadParser parser;
    auto wire = text + "hello" + text;
    for (std::size_t at = 0; at < wire.size(); at += piece) parser.feed(std::string_view(wire).substr(at, piece));
    CHECK(parser.state() == HeadState::found);
    CHECK(parser.head() == expected);
    CHECK(parser.bytes() == text.size());
  }
  for (std::size_t size = 0; size < text.size(); ++size)
    CHECK(HttpHeadParser().feed(text.substr(0, size)) == HeadState::need_more);
}

TEST_CASE("http head: the forms of a target") {
  auto absolute = read("GET HTTP://A.org:8080/x HTTP/1.1\r\nHost: a.org:8080\r\n\r\n");
  CHECK(absolute.form == TargetForm::absolute);
  CHECK(absolute.scheme == "http");
  CHECK(read("GET http://a.org HTTP/1.1\r\nHost: a.org\r\n\r\n").scheme == "http");
  CHECK(read("GET http://a.org?q HTTP/1.1\r\nHost: a.org:80\r\n\r\n").port == 80);
  CHECK(read("GET https://a.org/ HTTP/1.1\r\nHost: a.org:443\r\n\r\n").scheme == "https");
  CHECK(read("CONNECT a.org:443 HTTP/1.1\r\nHost: a.org\r\n\r\n").form == TargetForm::authority);
  CHECK(read("CONNECT a.org:443 HTTP/1.1\r\nHost: a.org:443\r\n\r\n").form == TargetForm::authority);
  CHECK(read("CONNECT a.org:443 HTTP/1.0\r\n\r\n").host.name == "a.org");
  CHECK(read("CONNECT a.org:443 HTTP/1.0\r\n\r\n").port == 443);
  CHECK(read("OPTIONS * HTTP/1.1\r\nHost: a.org\r\n\r\n").form == TargetForm::asterisk);
  CHECK(read("GET //evil.org/x HTTP/1.1\r\nHost: a.org\r\n\r\n").form == TargetForm::origin);
}

TEST_CASE("http head: hosts that are addresses") {
  CHECK(read("GET / HTTP/1.1\r\nHost: 93.184.216.34:80\r\n\r\n").host.address == 0x5db8d822);
  CHECK(read("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n").host.kind == HostKind::address);
  CHECK(read("GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n").port == 0);
  CHECK(read("GET / HTTP/1.1\r\nHost: 0x7f.1\r\n\r\n").host.kind == HostKind::address);
  CHECK(read("GET http://[::1]/ HTTP/1.1\r\nHost: [::1]\r\n\r\n").form == TargetForm::absolute);
}

TEST_CASE("http head: protocols that the client would switch to") {
  CHECK(read(get("Upgrade: WebSocket\r\n")).upgrades == std::vector<std::string>{"websocket"});
  CHECK(read(get("Upgrade: websocket , h2c\r\nupgrade: TLS/1.0\r\n")).upgrades ==
        std::vector<std::string>{"websocket", "h2c", "tls/1.0"});
  CHECK(read(get("")).upgrades.empty());
}

TEST_CASE("http head: the length of a body") {
  auto length = read(get("content-length: 12345\r\n"));
  CHECK(length.framing == Framing::length);
  CHECK(length.content_length == 12345);
  CHECK(read(get("Transfer-Encoding: Chunked\r\n")).framing == Framing::chunked);
  CHECK(read(get("Content-Length: 9223372036854775807\r\n")).content_length == INT64_MAX);
}

TEST_CASE("http head: what may mean two things is refused") {
  using enum HeadFault;
  const Bad bad[] = {
      {both_lengths, get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")},
      {both_lengths, get("transfer-encoding: chunked\r\ncontent-length: 5\r\n")},
      {content_length, get("Content-Length: 5\r\nContent-Length: 6\r\n")},
      {content_length, get("Content-Length: 5\r\nContent-Length: 5\r\n")},
      {content_length, get("Content-Length: 5, 5\r\n")},
      {content_length, get("Content-Length: +5\r\n")},
      {content_length, get("Content-Length: -5\r\n")},
      {content_length, get("Content-Length: 0x5\r\n")},
      {content_length, get("Content-Length: 5 5\r\n")},
      {content_length, get("Content-Length:\r\n")},
      {content_length, get("Content-Length: 9223372036854775808\r\n")},
      {content_length, get("Content-Length: 99999999999999999999999\r\n")},
      {transfer_encoding, get("Transfer-Encoding: gzip, chunked\r\n")},
      {transfer_encoding, get("Transfer-Encoding: chunked, identity\r\n")},
      {transfer_encoding, get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
      {transfer_encoding, get("Transfer-Encoding: xchunked\r\n")},
      {transfer_encoding, get("Transfer-Encoding: \"chunked\"\r\n")},
      {transfer_encoding, get("Transfer-Encoding:\r\n")},
      {transfer_encoding, "GET / HTTP/1.0\r\nHost: a.org\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {field_name, get("Content-Length : 5\r\n")},
      {field_name, get("Transfer-Encoding\t: chunked\r\n")},
      {field_name, get(": x\r\n")},
      {field_name, get("no colon\r\n")},
      {field_name, get("a(b): x\r\n")},
      {field_name, get("\xc3\xa4: x\r\n")},
      {folded_line, get("X: a\r\n b\r\n")},
      {folded_line, get("X: a\r\n\tTransfer-Encoding: chunked\r\n")},
      {folded_line, "GET / HTTP/1.1\r\n Host: a.org\r\n\r\n"},
      {folded_line, get(" \r\n")},
      {line_end, "GET / HTTP/1.1\nHost: a.org\n\n"},
      {line_end, get("X: a\rContent-Length: 5\r\n")},
      {line_end, get("X: a\nContent-Length: 5\r\n")},
      {line_end, get("X: a\r\r\n")},
      {line_end, "GET / HTTP/1.1\r\nHost: a.org\r\n\n"},
      {line_end, "GET / HTTP/1.1\r\nHost: a.org\r\n\rX"},
      {control_character, get(std::string("X: a\0b\r\n", 8))},
      {control_character, get("Transfer-Encoding: \vchunked\r\n")},
      {control_character, get("X: \x7f\r\n")},
  };
  for (const auto& [fault, text] : bad) {
    INFO(text);
    CHECK(fault_of(text) == fault);
  }
}

TEST_CASE("http head: request lines that are none") {
  for (const char* line : {"", "GET", "GET /", "GET / ", "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/1.1 ",
                           " GET / HTTP/1.1", "GET\t/\tHTTP/1.1", "GET /a b HTTP/1.1", "GET / HTTP/2.0",
                           "GET / HTTP/1.2", "GET / http/1.1", "GET / HTTP/1.10", "GET / HTTP/11", "G(T / HTTP/1.1",
                           "GET /\xc3\xa4 HTTP/1.1", "PRI * HTTP/2.0", "GET / HTTP/0.9"}) {
    INFO(line);
    CHECK(fault_of(std::string(line) + "\r\nHost: a.org\r\n\r\n") == HeadFault::request_line);
  }
}

TEST_CASE("http head: targets that do not fit") {
  for (const char* line :
       {"GET *", "GET a.org", "GET a.org:80", "GET ftp://a.org/", "GET http:/a.org/", "GET http:///x",
        "GET http://u@a.org/", "GET http://u:p@a.org/", "GET /a#b", "GET http://a.org#b", "CONNECT a.org", "CONNECT /",
        "CONNECT http://a.org/", "CONNECT a.org:0", "CONNECT a.org:99999", "GET http://a.org\\@evil.org/"}) {
    INFO(line);
    CHECK(fault_of(std::string(line) + " HTTP/1.1\r\nHost: a.org\r\n\r\n") == HeadFault::target);
  }
}

TEST_CASE("http head: exactly one host, which the target agrees with") {
  using enum HeadFault;
  const Bad bad[] = {
      {host_missing, "GET / HTTP/1.1\r\n\r\n"},
      {host_missing, "GET / HTTP/1.0\r\n\r\n"},
      {host_missing, "CONNECT a.org:443 HTTP/1.1\r\n\r\n"},
      {host_missing, "GET http://a.org/ HTTP/1.1\r\n\r\n"},
      {host_twice, get("Host: a.org\r\n")},
      {host_twice, get("hOST: evil.org\r\n")},
      {host_invalid, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
      {host_invalid, "GET / HTTP/1.1\r\nHost: a.org b.org\r\n\r\n"},
      {host_invalid, "GET / HTTP/1.1\r\nHost: a.org, b.org\r\n\r\n"},
      {host_invalid, "GET / HTTP/1.1\r\nHost: u@a.org\r\n\r\n"},
      {host_invalid, "GET / HTTP/1.1\r\nHost: a.org:\r\n\r\n"},
      {host_invalid, "GET / HTTP/1.1\r\nHost: a.org:0\r\n\r\n"},
      {host_invalid, "GET / HTTP/1.1\r\nHost: a.org:+80\r\n\r\n"},
      {host_invalid, "GET / HTTP/1.1\r\nHost: a.org:80:80\r\n\r\n"},
      {host_invalid, "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"},
      {host_invalid, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
      {host_invalid, "GET / HTTP/1.1\r\nHost: a.org/\r\n\r\n"},
      {host_differs, "GET http://b.org/ HTTP/1.1\r\nHost: a.org\r\n\r\n"},
      {host_differs, "GET http://a.org:81/ HTTP/1.1\r\nHost: a.org\r\n\r\n"},
      {host_differs, "GET https://a.org/ HTTP/1.1\r\nHost: a.org:80\r\n\r\n"},
      {host_differs, "CONNECT b.org:443 HTTP/1.1\r\nHost: a.org\r\n\r\n"},
      {host_differs, "CONNECT a.org:443 HTTP/1.1\r\nHost: a.org:444\r\n\r\n"},
      {host_differs, "GET http://[::1]/ HTTP/1.1\r\nHost: [::2]\r\n\r\n"},
      {host_differs, "GET http://0x7f.1/ HTTP/1.1\r\nHost: 0x7f.2\r\n\r\n"},
  };
  for (const auto& [fault, text] : bad) {
    INFO(text);
    CHECK(fault_of(text) == fault);
  }
}

TEST_CASE("http head: sizes have limits") {
  CHECK(fault_of("GET /" + std::string(limits::kRequestLineBytes, 'a')) == HeadFault::too_large);
  std::string fields, line = "X: " + std::string(10000, 'a') + "\r\n";
  for (int i = 0; i < 7; ++i) fields += line;
  CHECK(fault_of(get(fields)) == HeadFault::too_large);
  fields.clear();
  for (std::size_t i = 0; i < limits::kRequestFields; ++i) fields += "X: y\r\n";
  CHECK(fault_of(get(fields)) == HeadFault::too_large);
  CHECK(read(get(fields.substr(6))).fields.size() == limits::kRequestFields);
}

TEST_CASE("http head: every fault has a sentence") {
  for (int i = 0; i <= static_cast<int>(HeadFault::both_lengths); ++i)
    CHECK(to_sentence(static_cast<HeadFault>(i)).starts_with("the request"));
}
