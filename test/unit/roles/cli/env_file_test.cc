#include "roles/cli/env_file.h"

#include "catch.h"
#include "host/files.h"
#include "roles/cli/helpers.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {

using Values = std::map<std::string, std::string>;

Result<Values> read(std::string_view text, Values values = {}) {
  auto own = [](const std::string& key) {
    return key == "HOME" ? std::optional<std::string>("/home/me") : std::nullopt;
  };
  if (auto added = add_env_file(text, own, values); !added) return std::unexpected(added.error());
  return values;
}

}  // namespace

TEST_CASE("env file: lines are variables, and values pass as they are") {
  CHECK(read("A=1\n# a comment\n\n  \t\nB=two words \n  C=\"quoted\"\nD=a=b#c\nE=\n").value() ==
        Values{{"A", "1"}, {"B", "two words "}, {"C", "\"quoted\""}, {"D", "a=b#c"}, {"E", ""}});
  CHECK(read("A=\xff\xfe").value() == Values{{"A", "\xff\xfe"}});
}

TEST_CASE("env file: a key alone passes on the own value, if there is one") {
  CHECK(read("HOME\nMISSING\n").value() == Values{{"HOME", "/home/me"}});
}

TEST_CASE("env file: later lines win, also over earlier files") {
  CHECK(read("A=1\nA=2", {{"A", "0"}, {"B", "0"}}).value() == Values{{"A", "2"}, {"B", "0"}});
}

TEST_CASE("env file: line breaks of Windows and its mark at the beginning do not count") {
  CHECK(read("\xef\xbb\xbf"
             "A=1\r\nB=2\r\n")
            .value() == Values{{"A", "1"}, {"B", "2"}});
}

TEST_CASE("env file: a bad name is refused with its line") {
  CHECK(
      read("A=1\nexport B=2").error().sentence() ==
      "line 2: 'export B' is not the name of a variable (hint: write KEY=VALUE, without 'export' or spaces around the "
      "'=')");
  CHECK(read("=1").error().message == "line 1: '' is not the name of a variable");
  CHECK(read("A =1").error().message == "line 1: 'A ' is not the name of a variable");
}

TEST_CASE("env file: commands and new VMs get its variables, and --env wins") {
  test::Home home;
  auto file = home.path() + "/vars";
  REQUIRE(host::write_file(file, "A=file\nB=file\n"));
  Json sent;
  test::FakeDaemon daemon(home, {{"vm.create", [&](const Json& params) -> Result<Json> {
                                    sent = params;
                                    return fail(ErrorCode::invalid, "seen");
                                  }}});
  home.run({"vm", "create", "--from", "s", "--env-file", file, "--env", "B=option"});
  CHECK(sent["environment"] == Json{{"A", "file"}, {"B", "option"}});
  auto missing = home.run({"vm", "exec", "web", "--env-file", home.path() + "/none", "true"});
  CHECK(missing.status == 125);
  CHECK_THAT(missing.err, Catch::Matchers::Contains("none: No such file"));
}
