// Recipes: what is accepted, what the mmdebstrap command says, and that the ones compiled in are in order.
#include "image/recipe/recipe.h"

#include <algorithm>

#include "catch.h"
#include "image/recipe/recipes.h"

using namespace banger;
using namespace image;

TEST_CASE("recipe: every recipe compiled in is well-formed and names its kernel") {
  REQUIRE(kRecipes.size() >= 2);
  for (const auto& recipe : kRecipes) {
    INFO(recipe.name);
    auto plan = parse_recipe(recipe.manifest);
    REQUIRE(plan);
    CHECK(recipe.kernel == "debian-cloud");
    CHECK(!recipe.description.empty());
    CHECK(recipe.manifest.find("http") == std::string_view::npos);  // packages come from the host's own sources
  }
}

TEST_CASE("recipe: the dev image is the default one and more") {
  auto find = [](std::string_view name) {
    return *parse_recipe(
        std::find_if(kRecipes.begin(), kRecipes.end(), [&](const Recipe& r) { return r.name == name; })->manifest);
  };
  auto plain = find("debian-bookworm"), dev = find("debian-bookworm-dev");
  CHECK(dev.suite == plain.suite);
  CHECK(dev.packages.size() > plain.packages.size());
  CHECK(std::equal(plain.packages.begin(), plain.packages.end(), dev.packages.begin()));
  CHECK(dev.files.size() == plain.files.size());
  for (const auto& file : dev.files)
    if (file.path == "/root/.bashrc") CHECK(file.text.find("PS1=") != std::string::npos);
}

TEST_CASE("recipe: bad fields are refused by name") {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"suite":"x y","variant":"minbase","timestamp":1})", "suite"},
      {R"({"suite":"x","variant":"--x","timestamp":1,"packages":["a;b"]})", "packages"},
      {R"({"suite":"x","variant":"minbase","timestamp":0})", "timestamp"},
      {R"({"suite":"x","variant":"minbase","timestamp":1,"packags":[]})", "packags"},
      {R"({"suite":"x","variant":"minbase","timestamp":1,"files":[{"path":"etc/x","text":""}]})", "etc/x"},
      {R"({"suite":"x","variant":"minbase","timestamp":1,"files":[{"path":"/a/../x","text":""}]})", "/a/../x"},
      {R"({"suite":"x","variant":"minbase","timestamp":1,"files":[{"path":"/x","text":"","mode":"rw"}]})", "mode"},
      {R"({"variant":"minbase"})", "suite"},
      {"[]", "object"},
  };
  for (const auto& [manifest, named] : cases) {
    auto plan = parse_recipe(manifest);
    INFO(manifest);
    REQUIRE(!plan);
    CHECK(plan.error().code == ErrorCode::invalid);
    CHECK(plan.error().message.find(named) != std::string::npos);
  }
}

TEST_CASE("recipe: the command quotes what the recipe says") {
  RecipePlan plan{.suite = "bookworm",
                  .variant = "minbase",
                  .timestamp = 1,
                  .packages = {"git", "g++"},
                  .exclude = {"/usr/share/man/*"},
                  .include = {},
                  .files = {{"/etc/it's", 0600, "a 'b'\n$c"}},
                  .commands = {"echo \"hi\""}};
  auto command = mmdebstrap_command(plan, {"/etc/apt/keyrings/x.gpg"});
  auto has = [&](const std::string& argument) {
    return std::find(command.begin(), command.end(), argument) != command.end();
  };
  CHECK(command[0] == "mmdebstrap");
  CHECK(has("--include=git,g++"));
  CHECK(has("--dpkgopt=path-exclude=/usr/share/man/*"));
  CHECK(has("--setup-hook=upload /etc/apt/keyrings/x.gpg /etc/apt/keyrings/x.gpg"));
  CHECK(has("--customize-hook=chroot \"$1\" sh -euc 'echo \"hi\"'"));
  CHECK(std::any_of(command.begin(), command.end(),
                    [](const std::string& a) { return a.find("-m 0600 /dev/null \"$1\"'/etc/it'\\''s'") != a.npos; }));
  CHECK(std::vector<std::string>(command.end() - 3, command.end()) == std::vector<std::string>{"bookworm", "-", "-"});
}
