// Secrets as text, and their rules. No error has a value in it.
#include "vm/secret.h"

#include "catch.h"
#include "vm/bounds.h"

using namespace banger;
using vm::check_secret_name;
using vm::check_secret_value;
using vm::check_secrets;
using vm::parse_secret;
using vm::Secret;

TEST_CASE("secret: a name with hosts, or the name alone") {
  CHECK(parse_secret("TOKEN@a.org,*.b.org:8443") == Secret{"TOKEN", {"a.org", "*.b.org:8443"}});
  CHECK(parse_secret("TOKEN@ a.org , b.org") == Secret{"TOKEN", {"a.org", "b.org"}});
  CHECK(parse_secret("TOKEN") == Secret{"TOKEN", {}});
  for (auto text : {"TOKEN@a.org,b.org", "TOKEN"}) CHECK(vm::to_string(*parse_secret(text)) == text);
  CHECK(vm::placeholder("TOKEN") == "banger-secret-TOKEN");
}

TEST_CASE("secret: a text without a name or with an empty host is refused with an example") {
  CHECK(parse_secret("@a.org").error().message == "a secret has no name");
  CHECK(parse_secret("").error().message == "a secret has no name");
  for (auto text : {"TOKEN@", "TOKEN@a.org,", "TOKEN@,a.org"}) {
    INFO(text);
    CHECK(parse_secret(text).error().sentence() ==
          "the secret 'TOKEN' has a host without a name (hint: give NAME@HOST[,HOST...], as in "
          "GITHUB_TOKEN@api.github.com)");
  }
}

TEST_CASE("secret: a value on the command line is refused, and no error shows it") {
  for (auto text : {"TOKEN=hush", "TOKEN=hush@a.org", "TOKEN=hu@sh"}) {
    auto error = parse_secret(text).error().sentence();
    CHECK(error.starts_with("a secret's value does not belong on a command line"));
    CHECK(error.find("hu") == error.npos);
  }
}

TEST_CASE("secret: only names of variables that nobody else needs") {
  for (auto name : {"TOKEN", "_x", "a1", "GITHUB_TOKEN", "PATHS", "LDAP"}) CHECK(check_secret_name(name));
  for (auto name : {"1A", "A-B", "A B", "A.B", "Ä", "*"})
    CHECK(check_secret_name(name).error().message.find("it is the name of a variable") != std::string::npos);
  for (auto name : {"PATH", "HOME", "LD_PRELOAD", "LC_ALL", "SSL_CERT_FILE", "BASH_ENV", "IFS"})
    CHECK(check_secret_name(name).error().message.find("programs in the guest need that variable") !=
          std::string::npos);
  CHECK(check_secret_name(std::string(limits::kVmSecretNameBytes, 'A')));
  CHECK(check_secret_name(std::string(limits::kVmSecretNameBytes + 1, 'A')).error().message.ends_with("65 characters"));
}

TEST_CASE("secrets: each name once, not also a variable, and not too many") {
  Secret one{"A", {"a.org"}}, other{"B", {"a.org"}};
  CHECK(check_secrets({one, other}, {{"C", "x"}}));
  CHECK(check_secrets({one, one}, {}).error().message == "the secret 'A' is given twice");
  CHECK(check_secrets({one}, {{"A", "x"}}).error().message == "the variable 'A' is also a secret");
  std::vector<Secret> many;
  for (std::size_t i = 0; i < limits::kVmSecrets; ++i) many.push_back({"A" + std::to_string(i), {"a.org"}});
  CHECK(check_secrets(many, {}));
  many.push_back(one);
  CHECK(check_secrets(many, {}).error().message == "a VM cannot have over 32 secrets");
  Secret wide{"A", std::vector<std::string>(limits::kVmSecretHosts, "a.org")};
  CHECK(check_secrets({wide}, {}));
  wide.hosts.emplace_back("a.org");
  CHECK(check_secrets({wide}, {}).error().message == "the secret 'A' has 33 hosts, over the limit of 32");
  std::vector<Secret> long_ones;
  for (int i = 0; i < 8; ++i)
    long_ones.push_back({"A" + std::to_string(i), std::vector<std::string>(32, std::string(200, 'a'))});
  CHECK(check_secrets(long_ones, {}).error().message.starts_with("the hosts of a VM's secrets have "));
}

TEST_CASE("secret value: one line that fits into a header, and no error shows it") {
  CHECK(check_secret_value("A", "s3cret with spaces\tand ü"));
  CHECK(check_secret_value("A", std::string(limits::kSecretValueBytes, 'x')));
  for (const auto& value : {std::string("hush\n"), std::string("hush\r"), std::string("hu\0sh", 5),
                            std::string("hu\x7fsh"), std::string("hu\x1bsh")}) {
    auto error = check_secret_value("A", value).error().sentence();
    CHECK(error ==
          "the value of the secret 'A' has a line break or another control character (hint: a header can have only one "
          "line of text)");
  }
  CHECK(check_secret_value("A", "").error().message == "the value of the secret 'A' is empty");
  CHECK(check_secret_value("A", std::string(limits::kSecretValueBytes + 1, 'x')).error().sentence() ==
        "the value of the secret 'A' has 16385 bytes (hint: a header can have at most 16K)");
}
