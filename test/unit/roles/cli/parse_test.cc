#include "roles/cli/parse.h"

#include <set>

#include "catch.h"
#include "helpers.h"
#include "roles/cli/commands.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {
const Command& command(std::string_view group, std::string_view name) {
  const Command* found = find_command(group, name);
  REQUIRE(found);
  return *found;
}
std::string mistake(std::string_view group, std::string_view name, const std::vector<std::string>& words) {
  auto args = parse_args(command(group, name), words);
  return args ? "accepted" : args.error().sentence();
}
}  // namespace

TEST_CASE("parse: sizes, counts, durations, toggles and pairs are normalised") {
  auto args =
      parse_args(command("vm", "run"), {"--memory", "2048", "--disk-size=8G", "--vcpu", "3", "--no-nat", "--env",
                                        "A=1=2", "--env", "B=", "--rm", "-it", "--", "ls", "--rm", "--", "-x"});
  REQUIRE(args);
  CHECK(args->number("memory") == 2048ll << 20);
  CHECK(args->number("disk-size") == 8ll << 30);
  CHECK(parse_args(command("vm", "run"), {"--disk-size", "2048"})->number("disk-size") == 2048ll << 20);
  CHECK(parse_args(command("vm", "run"), {"--memory", "1.5G"})->number("memory") == 1536ll << 20);
  CHECK(args->number("vcpu") == 3);
  CHECK(args->toggle("nat") == false);
  CHECK(args->pairs("env") == std::map<std::string, std::string>{{"A", "1=2"}, {"B", ""}});
  CHECK(args->flag("interactive"));
  CHECK(args->flag("tty"));
  CHECK(args->words == std::vector<std::string>{"ls", "--rm", "--", "-x"});
  CHECK(!args->toggle("rm-not-given"));
  CHECK(parse_args(command("vm", "stop"), {"a", "--timeout", "1m"})->number("timeout") == 60'000);
}

TEST_CASE("parse: options and arguments may be mixed, and an option takes one value") {
  auto args = parse_args(command("vm", "delete"), {"a", "-f", "b", "c"});
  REQUIRE(args);
  CHECK(args->positionals == std::vector<std::string>{"a", "b", "c"});
  auto exec = parse_args(command("vm", "exec"), {"--env", "A=1", "web", "-u", "me", "--", "id"});
  REQUIRE(exec);
  CHECK(exec->positionals == std::vector<std::string>{"web"});
  CHECK(exec->all("env") == std::vector<std::string>{"A=1"});
  CHECK(parse_args(command("vm", "exec"), {"-e", "[a,b]", "web", "--", "id"})->all("env") ==
        std::vector<std::string>{"[a,b]"});
}

TEST_CASE("parse: the command of exec begins after the VM, and all words after it are its own") {
  using Words = std::vector<std::string>;
  auto exec = [](const Words& words) { return parse_args(command("vm", "exec"), words).value(); };
  CHECK(exec({"web", "ls", "-la", "--json"}).words == Words{"ls", "-la", "--json"});
  CHECK(exec({"web", "ls", "--", "x"}).words == Words{"ls", "--", "x"});
  CHECK(exec({"web", "--", "--", "x"}).words == Words{"--", "x"});
  CHECK(exec({"web", "ls", "--help"}).words == Words{"ls", "--help"});
  CHECK(exec({"web", "", "x"}).words == Words{"", "x"});
  for (const Words& before : std::initializer_list<Words>{{"-u", "me", "-it", "web"},
                                                          {"-itu", "me", "web"},
                                                          {"-ume", "-it", "web"},
                                                          {"--user=me", "-i", "-t", "web"},
                                                          {"web", "--user", "me", "-it"},
                                                          {"-e", "A=1", "web", "-itu", "me"}}) {
    auto words = before;
    words.insert(words.end(), {"sh", "-c", "-u"});
    auto args = exec(words);
    CHECK(args.positionals == Words{"web"});
    CHECK(args.text("user") == "me");
    CHECK(args.flag("interactive"));
    CHECK(args.flag("tty"));
    CHECK(args.words == Words{"sh", "-c", "-u"});
  }
  CHECK(mistake("vm", "exec", {"web", "-u"}).find("needs a value") != std::string::npos);
  CHECK(mistake("vm", "exec", {"web", "--usr", "me", "ls"}).find("did you mean '--user'?") != std::string::npos);
}

TEST_CASE("parse: every byte stays as it is, in words, arguments and the values of options") {
  std::vector<std::string> texts = {"[a]", "[a,b]", "{x}", "'q'", "\"q\"", " a ",
                                    "a\\", "%x",    "~",   "a=b", "#",     "--x y"};
  for (int byte = 1; byte < 0x100; ++byte)
    for (std::string text : {"x", ""}) texts.push_back(text + static_cast<char>(byte) + "y");
  for (const auto& text : texts) {
    CAPTURE(text);
    auto args = parse_args(command("vm", "exec"), {"web", "--workdir=" + text, "--env", "A=" + text, "--", text, text});
    REQUIRE(args);
    CHECK(args->text("workdir") == text);
    CHECK(args->all("env") == std::vector<std::string>{"A=" + text});
    CHECK(args->words == std::vector<std::string>{text, text});
    if (text.starts_with('-')) continue;
    auto separate = parse_args(command("vm", "exec"), {"-w", text, text, "--", "x"});
    REQUIRE(separate);
    CHECK(separate->text("workdir") == text);
    CHECK(separate->positionals == std::vector<std::string>{text});
  }
}

TEST_CASE("parse: an empty word is a word") {
  auto args = parse_args(command("vm", "exec"), {"-w", "", "-e", "A=", "", "--", "x", ""});
  REQUIRE(args);
  CHECK(args->text("workdir") == "");
  CHECK(args->positionals == std::vector<std::string>{""});
  CHECK(args->words == std::vector<std::string>{"x", ""});
}

TEST_CASE("parse: the last of a repeated option counts") {
  auto args = parse_args(command("vm", "create"), {"--name", "a", "--name", "b", "--nat", "--no-nat"});
  REQUIRE(args);
  CHECK(args->text("name") == "b");
  CHECK(args->toggle("nat") == false);
}

TEST_CASE("parse: every mistake is a sentence with a way out") {
  CHECK(mistake("vm", "run", {"--memry", "1G"}) == "'vm run' has no option '--memry' (hint: did you mean '--memory'?)");
  CHECK(
      mistake("vm", "logs", {"--since=10m", "web"}) ==
      "'vm logs' has no option '--since' (hint: a console has no times; in the guest, 'journalctl --since' has them)");
  CHECK(mistake("vm", "restart", {"--time", "5", "web"}) ==
        "'vm restart' has no option '--time' (hint: write --timeout)");
  CHECK(mistake("vm", "run", {"--memry=1G"}).find("did you mean '--memory'?") != std::string::npos);
  CHECK(mistake("vm", "run", {"--memory", "lots"}) ==
        "--memory: 'lots' is not a size (hint: write it like 512M, 1.5G or 8G)");
  CHECK(mistake("vm", "run", {"--vcpu", "-1"}).find("--vcpu") != std::string::npos);
  CHECK(mistake("vm", "run", {"--vcpu", "two"}) == "--vcpu: 'two' is not a whole number");
  CHECK(mistake("vm", "run", {"--memory", "9999999999T"}).find("--memory") != std::string::npos);
  CHECK(mistake("vm", "run", {"--name"}).find("--name needs a value") != std::string::npos);
  CHECK(mistake("vm", "run", {"repo", "make"}) ==
        "'vm run' does not take 'make' (hint: put '--' before the command: -- make …)");
  CHECK(mistake("vm", "run", {"--"}).find("no command after '--'") == 0);
  CHECK(mistake("vm", "run", {"--env", "=x"}).find("has no key") != std::string::npos);
  CHECK(mistake("vm", "run", {"--rm=maybe"}) == "--rm takes no value, but got 'maybe'");
  CHECK(mistake("vm", "run", {"--rm=false"}) == "--rm takes no value, but got 'false'");
  CHECK(mistake("vm", "exec", {"web"}) == "'vm exec' needs a command (hint: put it at the end, as in: ls /)");
  CHECK(mistake("vm", "exec", {"--", "ls"}).find("'vm exec' needs VM") == 0);
  CHECK(mistake("vm", "list", {"--", "x"}) == "'vm list' does not take 'x' (hint: see 'banger vm list --help')");
  CHECK(mistake("vm", "create", {"--wait", "systm"}).find("did you mean 'system'?") != std::string::npos);
  CHECK(mistake("", "completion", {"tcsh"}).find("is not one of bash, zsh, fish") != std::string::npos);
}

TEST_CASE("parse: words after '--' may begin with a dash") {
  auto args = parse_args(command("vm", "cp"), {"-r", "a", "--", "-x", "--help", "web:/"});
  REQUIRE(args);
  CHECK(args->flag("recursive"));
  CHECK(args->positionals == std::vector<std::string>{"a", "-x", "--help", "web:/"});
  CHECK(args->words.empty());
  CHECK(parse_args(command("vm", "list"), {"--"}).has_value());
}

TEST_CASE("parse: --help hides all other mistakes") {
  for (const Command* each : all_commands()) {
    auto args = parse_args(*each, {"--help"});
    REQUIRE(args);
    CHECK(args->flag("help"));
  }
  CHECK(parse_args(command("vm", "exec"), {"-h", "--nonsense"})->flag("help"));
}

TEST_CASE("parse: every option of every command is understood") {
  for (const Command* each : all_commands()) {
    INFO(full_name(*each));
    for (const auto& option : each->options) {
      INFO(option.name);
      std::vector<std::string> words;
      for (const auto& positional : each->positionals)
        if (positional.required) words.push_back("x");
      bool valued = option.kind != Kind::flag && option.kind != Kind::toggle;
      std::string value = option.kind == Kind::pair       ? "k=v"
                          : option.kind == Kind::text     ? "x"
                          : option.kind == Kind::duration ? "1s"
                                                          : "1";
      if (!option.choices.empty()) value = option.choices[0];
      words.push_back("--" + std::string(option.name));
      if (valued) words.push_back(value);
      if (each->words_required) words.insert(words.end(), {"--", "x"});
      auto args = parse_args(*each, words);
      REQUIRE(args);
      CHECK(args->has(option.name));
      CHECK(!option.help.empty());
      CHECK(valued == !option.value.empty());
    }
  }
}

TEST_CASE("commands: no two share a name, and each has a handler and a summary") {
  std::set<std::string> names;
  for (const Command* each : all_commands()) {
    INFO(full_name(*each));
    CHECK(each->handler);
    CHECK(!each->summary.empty());
    CHECK(!each->summary.ends_with('.'));
    CHECK(names.insert(full_name(*each)).second);
    for (auto alias : each->aliases) CHECK(names.insert(std::string(each->group) + " " + std::string(alias)).second);
    CHECK((each->group.empty() || find_group(each->group)));
    std::set<char> letters{'h', 'v'};
    for (const auto& option : each->options) CHECK((!option.letter || letters.insert(option.letter).second));
  }
}
