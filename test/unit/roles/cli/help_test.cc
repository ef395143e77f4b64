#include "roles/cli/help.h"

#include <nlohmann/json.hpp>

#include "catch.h"
#include "helpers.h"

using namespace banger;
using namespace banger::roles::cli;

TEST_CASE("help: every command is in its list, and its page names all options and arguments") {
  for (const Command* command : all_commands()) {
    INFO(full_name(*command));
    auto page = command_help(*command, {});
    CHECK(page.starts_with("Usage: banger " + full_name(*command)));
    for (const auto& option : command->options) CHECK(page.find("--" + std::string(option.name)) != std::string::npos);
    for (const auto& positional : command->positionals) CHECK(page.find(positional.name) != std::string::npos);
    if (command->hidden) continue;
    auto list = command->group.empty() ? top_help() : group_help(*find_group(command->group));
    CHECK(list.find("  " + std::string(command->name) + " ") != std::string::npos);
  }
}

TEST_CASE("help: no line is wider than the given width, except an example") {
  for (const Command* command : all_commands()) {
    auto page = command_help(*command, {}, 80);
    for (std::size_t at = 0; at < page.size();) {
      auto end = page.find('\n', at);
      auto line = page.substr(at, end - at);
      at = end + 1;
      if (line.starts_with("  banger ") || line.find(" | banger") != line.npos || line.starts_with("Usage:") ||
          line.find("eval") != line.npos)
        continue;
      INFO(line);
      CHECK(display_width(line) <= 80);
    }
  }
}

TEST_CASE("help: no line is empty but for its indent, and no line ends in spaces") {
  for (const Command* command : all_commands()) {
    INFO(full_name(*command));
    CHECK(command_help(*command, {}).find(" \n") == std::string::npos);
  }
}

TEST_CASE("help: shows the default sizes of this host") {
  auto resolve = [](std::string_view key) { return key == "vcpus" ? std::string("3, from the host") : std::string(); };
  auto page = command_help(*find_command("vm", "run"), resolve);
  CHECK(page.find("processors (default: 3, from the host)") != std::string::npos);
}

TEST_CASE("help: goes to standard output with 0 if requested, else to standard error with 2") {
  test::Home home;
  for (auto words : {std::vector<std::string>{"--help"},
                     {"help"},
                     {"vm", "--help"},
                     {"help", "vm"},
                     {"vm", "run", "-h"},
                     {"help", "vm", "run"},
                     {"vm", "snapshot", "--help"},
                     {"help", "vm", "snapshot"},
                     {"help", "vm", "snapshot", "create"},
                     {"vm", "snapshot", "create", "--help"},
                     {"help", "gc"}}) {
    auto done = home.run(words);
    CHECK(done.status == 0);
    CHECK(done.out.starts_with("Usage: banger"));
    CHECK(done.err.empty());
  }
  for (auto words : {std::vector<std::string>{}, {"vm"}, {"vm", "snapshot"}}) {
    auto done = home.run(words);
    CHECK(done.status == 2);
    CHECK(done.out.empty());
    CHECK(done.err.starts_with("Usage: banger"));
  }
}

TEST_CASE("help: an inner group is listed in its group, with its commands") {
  auto vm = group_help(*find_group("vm"), 120);
  CHECK(vm.find("  snapshot ") != std::string::npos);
  CHECK(vm.find("create, list, restore, delete") != std::string::npos);
  CHECK(top_help().find("  snapshot ") == std::string::npos);
  CHECK(top_help().find("vm ") != std::string::npos);
  CHECK(group_help(*find_group("vm snapshot")).starts_with("Usage: banger vm snapshot COMMAND\n"));
}

TEST_CASE("command line: an unknown command suggests the nearest and is a usage error") {
  test::Home home;
  auto done = home.run({"vm", "lst"});
  CHECK(done.status == 2);
  CHECK(done.err == "banger: there is no command 'vm lst' (hint: did you mean 'list'?)\n");
  CHECK(home.run({"vm", "snapsht"}).err ==
        "banger: there is no command 'vm snapsht' (hint: did you mean 'snapshot'?)\n");
  CHECK(home.run({"vm", "snapshot", "restor"}).err ==
        "banger: there is no command 'vm snapshot restor' (hint: did you mean 'restore'?)\n");
  CHECK(home.run({"help", "vm", "snapshot", "restor"}).status == 2);
  CHECK(home.run({"imge"}).err == "banger: there is no command 'imge' (hint: did you mean 'image'?)\n");
  CHECK(home.run({"ps"}).err == "banger: there is no command 'ps' (hint: did you mean 'banger vm list'?)\n");
  CHECK(home.run({"exec", "web"}).err == "banger: there is no command 'exec' (hint: did you mean 'banger vm exec'?)\n");
  CHECK(home.run({"vm", "top"}).err ==
        "banger: there is no command 'vm top' (hint: did you mean 'banger vm stats'?)\n");
  CHECK(home.run({"lsit"}).err == "banger: there is no command 'lsit' (hint: did you mean 'banger vm list'?)\n");
  CHECK(home.run({"destory"}).err ==
        "banger: there is no command 'destory' (hint: did you mean 'banger vm delete'?)\n");
  CHECK(home.run({"snapsht"}).err ==
        "banger: there is no command 'snapsht' (hint: did you mean 'banger vm snapshot'?)\n");
  CHECK(home.run({"vm", "inspct"}).err ==
        "banger: there is no command 'vm inspct' (hint: did you mean 'banger vm show'?)\n");
  CHECK(home.run({"vm", "snapshot", "top"}).err.find("stats") == std::string::npos);
  CHECK(home.run({"qqqqqq"}).err == "banger: there is no command 'qqqqqq' (hint: see 'banger --help')\n");
  CHECK(home.run({"--frobnicate"}).status == 2);
  CHECK(home.run({"help", "nope"}).status == 2);
}

TEST_CASE("command line: -v may stand anywhere before the guest's command") {
  test::Home home;
  test::FakeDaemon daemon(home);
  daemon.answers["vm.show"] = [](const Json&) -> Result<Json> { return fail(ErrorCode::not_found, "no such vm"); };
  for (auto words : {std::vector<std::string>{"-v", "vm", "show", "web"},
                     {"vm", "-v", "show", "web"},
                     {"--verbose", "vm", "show", "web"},
                     {"vm", "show", "-v", "web"},
                     {"vm", "show", "web", "-v"}}) {
    auto done = home.run(words);
    CHECK(done.status == 125);
    CHECK(done.err.find("  code: not_found\n") != std::string::npos);
  }
  CHECK(home.run({"-v", "vm", "lst"}).err == "banger: there is no command 'vm lst' (hint: did you mean 'list'?)\n");
  CHECK(home.run({"-v"}).status == 2);
  CHECK(home.run({"-v", "vm", "--help"}).status == 0);
}

TEST_CASE("command line: --version prints the version and makes no files") {
  test::Home home;
  auto done = home.run({"--version"});
  CHECK(done.status == 0);
  CHECK(done.out == "banger " BANGER_VERSION "\n");
}
