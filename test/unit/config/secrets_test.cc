// [secrets.NAME]: what is accepted, and the sentences for what is not.
#include "catch.h"
#include "config/config.h"

using namespace banger;
using config::parse_config;

namespace {

std::string error_of(std::string_view text) {
  auto parsed = parse_config(text, "c.toml");
  return parsed ? "" : parsed.error().sentence();
}

}  // namespace

TEST_CASE("secrets: tables are read by their names, and no host is looked at") {
  auto parsed = parse_config(R"(
[secrets.TOKEN]
hosts = ["api.example.org", "no host"]
file = "~/.token"
[secrets.OTHER]
command = "pass show other"
[secrets.Third_1]
env = "MY_THIRD"
[secrets.EMPTY]
)",
                             "c.toml");
  REQUIRE(parsed);
  REQUIRE(parsed->secrets.size() == 4);
  const auto& token = parsed->secrets.at("TOKEN");
  CHECK(token.hosts == std::vector<std::string>{"api.example.org", "no host"});
  CHECK(token.file == "~/.token");
  CHECK(token.command + token.env == "");
  CHECK(parsed->secrets.at("OTHER").command == "pass show other");
  CHECK(parsed->secrets.at("Third_1").env == "MY_THIRD");
  CHECK(parsed->secrets.at("EMPTY").hosts.empty());
  CHECK(parse_config("", "c")->secrets.empty());
}

TEST_CASE("secrets: names that no secret can have are refused") {
  CHECK(error_of("[secrets.PATH]\n").starts_with("c.toml:1: 'PATH' cannot name a secret: programs in the guest"));
  CHECK(error_of("[secrets.\"a b\"]\n").starts_with("c.toml:1: 'a b' cannot name a secret: it is the name of a"));
  CHECK(error_of("[secrets.A]\nenv = \"B C\"\n")
            .starts_with("c.toml:1: 'secrets.A.env': 'B C' cannot name a secret: it is the name of a variable"));
}

TEST_CASE("secrets: a value has one place") {
  for (auto text : {"file = \"/f\"\ncommand = \"c\"", "file = \"/f\"\nenv = \"E\"", "command = \"c\"\nenv = \"E\""})
    CHECK(error_of(std::string("[secrets.A]\n") + text) ==
          "c.toml:1: the secret 'A' has more than one place for its value (hint: keep one of file, command and env)");
}

TEST_CASE("secrets: a wrong table or key is an error with its line and a way out") {
  CHECK(error_of("secrets = \"x\"\n") ==
        "c.toml:1: 'secrets' must be a table (hint: write [secrets.NAME] for each secret)");
  CHECK(error_of("[secrets]\nhosts = [\"a\"]\n") ==
        "c.toml:2: 'secrets.hosts' must be a table (hint: write [secrets.NAME], and in it hosts = [\"HOST\"])");
  CHECK(error_of("[secrets.A]\nhost = []\n") ==
        "c.toml:2: unknown key 'secrets.A.host' (hint: put 'host' under [[file_sync]])");
  CHECK(error_of("[secrets.A]\ncomand = \"x\"\n") ==
        "c.toml:2: unknown key 'secrets.A.comand' (hint: did you mean 'secrets.A.command'?)");
  // Somebody may write the value there.
  auto value = error_of("[secrets.A]\nvalue = \"hush\"\n");
  CHECK(value.starts_with("c.toml:2: unknown key 'secrets.A.value'"));
  CHECK(value.find("hush") == value.npos);
  CHECK(error_of("[secrets.A]\nfile = \"token\"\n").starts_with("c.toml:2: 'secrets.A.file' must be an absolute path"));
  CHECK(error_of("[secrets.A]\nhosts = \"a\"\n").starts_with("c.toml:2: 'secrets.A.hosts' must be a list of texts"));
  CHECK(error_of("[secrets.A]\ncommand = 1\n") == "c.toml:2: 'secrets.A.command' must be text");
}
