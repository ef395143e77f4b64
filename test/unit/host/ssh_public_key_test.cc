// Public halves of keys, also of broken files.
#include "host/ssh_public_key.h"

#include <cstdio>

#include "base/text.h"
#include "catch.h"
#include "host/files.h"
#include "host/runtime.h"
#include "host/ssh_key.h"
#include "support/run.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::host;

namespace {

std::string two_words(const std::string& line) {
  auto words = split(trim(line), ' ');
  return std::string(words.at(0)) + " " + std::string(words.at(1));
}

}  // namespace

TEST_CASE("ssh public key: the half inside a private key is the one beside it") {
  auto key = make_ssh_key("me@here");
  REQUIRE(key);
  CHECK(public_half(key->private_key).value() == two_words(key->public_key));
  std::string crlf;
  for (char c : key->private_key) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  CHECK(public_half(crlf).value() == two_words(key->public_key));
  CHECK(read_public_key(key->public_key).value() == two_words(key->public_key));
}

TEST_CASE("ssh public key: it is found in what ssh-keygen writes, of any type, encrypted too") {
  auto tool = find_program("ssh-keygen", "/usr/bin:/usr/local/bin");
  if (!tool) {
    std::puts(
        "SKIPPED: ssh public key: it is found in what ssh-keygen writes, of any type, encrypted too: no ssh-keygen "
        "here");
    return;
  }
  for (std::string type : {"ed25519", "rsa", "ecdsa"}) {
    CAPTURE(type);
    test::TempDir dir;
    Runtime runtime;
    auto made = test::run(
        runtime, run_command(runtime, {.argv = {*tool, "-q", "-t", type, "-N", "a secret", "-C", "", "-f", dir / "k"}},
                             after(std::chrono::seconds(60))));
    REQUIRE(made);
    CHECK(public_half(dir.get("k")).value() == two_words(dir.get("k.pub")));
    CHECK(read_public_key(dir.get("k.pub")).value() == two_words(dir.get("k.pub")));
  }
}

TEST_CASE("ssh public key: a private key that is cut or of another format is refused") {
  auto key = make_ssh_key("me@here");
  REQUIRE(key);
  const auto& text = key->private_key;
  for (std::size_t size = 0; size + 1 < text.size(); ++size) CHECK_FALSE(public_half(text.substr(0, size)));
  CHECK_FALSE(public_half("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"));
  CHECK_FALSE(public_half("-----END OPENSSH PRIVATE KEY----------BEGIN OPENSSH PRIVATE KEY-----"));
  auto garbage = text;
  garbage[40] = '*';
  CHECK(public_half(garbage).error().code == ErrorCode::invalid);
}

TEST_CASE("ssh public key: a file with options, with several keys or with none is refused") {
  auto key = make_ssh_key("a comment with spaces")->public_key;
  CHECK(read_public_key("# mine\n\n" + key).value() == two_words(key));
  CHECK(read_public_key(key + key).error().message == "the file has more than one public key");
  CHECK(read_public_key("\n").error().message == "the file has no public key");
  for (const auto& text : {"command=\"x\" " + key, std::string("ssh-ed25519"), std::string("ssh-ed25519 AAAA"),
                           "ssh-rsa" + key.substr(key.find(' ')), std::string("-----BEGIN RSA PRIVATE KEY-----")}) {
    CAPTURE(text);
    CHECK(read_public_key(text).error().message == "the file is no public key of SSH");
  }
}
