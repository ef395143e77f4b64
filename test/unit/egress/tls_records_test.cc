// Records byte by byte: what is frame, what is content, what is wrong.
#include "egress/tls_records.h"

#include <string>

#include "catch.h"
#include "tls_wire.h"

using namespace banger::egress;

namespace {

/// One letter for each byte: f, c or w, and | after the end of a record.
std::string parts(const std::string& wire, Flight flight = Flight::first) {
  HandshakeRecords records(flight);
  std::string letters;
  for (char byte : wire) {
    auto part = records.take(static_cast<unsigned char>(byte));
    letters += part == HandshakeRecords::Part::frame ? 'f' : part == HandshakeRecords::Part::content ? 'c' : 'w';
    if (letters.back() == 'w') break;
    if (records.at_border()) letters += '|';
  }
  return letters;
}

const std::string kChange("\x14\x03\x03\0\1\1", 6);

}  // namespace

TEST_CASE("tls records: headers are frame, the rest is content") {
  CHECK(parts(tls_wire::records("abcd", 3)) == "fffffccc|fffffc|");
  CHECK(parts("") == "");
}

TEST_CASE("tls records: other records, empty ones and long ones are wrong") {
  CHECK(parts("\x17") == "w");
  CHECK(parts("\x16\x02") == "fw");
  CHECK(parts(std::string("\x16\x03\x09\x00\x00", 5)) == "ffffw");
  CHECK(parts("\x16\x03\x01\x40\x01") == "ffffw");
  CHECK(parts(std::string("\x16\x03\x01\x40\x00", 5)) == "fffff");
  CHECK(parts(tls_wire::records("a") + "\x15") == "fffffc|w");
}

TEST_CASE("tls records: one change of the cipher is skipped after a retry, before all else") {
  CHECK(parts(kChange + tls_wire::records("a"), Flight::after_retry) == "ffffff|fffffc|");
  CHECK(parts(kChange) == "w");
  CHECK(parts(kChange + kChange, Flight::after_retry) == "ffffff|w");
  CHECK(parts(tls_wire::records("a") + kChange, Flight::after_retry) == "fffffc|w");
  CHECK(parts(std::string("\x14\x03\x03\0\1\2", 6), Flight::after_retry) == "fffffw");
  CHECK(parts(std::string("\x14\x03\x03\0\2\1", 6), Flight::after_retry) == "ffffw");
}
