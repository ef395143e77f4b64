// Recipes: accepted fields, the mmdebstrap command, and the compiled-in recipes.
#include "image/recipe/recipe.h"

#include <algorithm>

#include "catch.h"
#include "image/recipe/recipes.h"

using namespace banger;
using namespace image;

namespace {

RecipePlan built_in(std::string_view name) {
  auto plan = parse_recipe(kRecipeFiles, name);
  REQUIRE(plan);
  return *plan;
}

/// A complete recipe, to which tests add fields.
constexpr EmbeddedFile kBase{
    "images/base/recipe.json",
    R"({"description":"d","kernel":"k","suite":"bookworm","variant":"minbase","timestamp":1,"packages":["git"]})"};

}  // namespace

TEST_CASE("recipe: every recipe compiled in is well-formed and names its kernel") {
  auto recipes = all_recipes();
  auto is_recipe = [](const EmbeddedFile& file) { return file.path.ends_with("/recipe.json"); };
  CHECK(recipes.size() >= 2);
  CHECK(std::ssize(recipes) == std::count_if(kRecipeFiles.begin(), kRecipeFiles.end(), is_recipe));
  for (const auto& recipe : recipes) {
    INFO(recipe.name);
    CHECK(recipe.kernel == "debian-cloud");
    CHECK(!recipe.description.empty());
    built_in(recipe.name);
  }
  for (const auto& file : kRecipeFiles)
    CHECK(file.text.find("http") == file.text.npos);  // packages come from the host's own sources
}

TEST_CASE("recipe: the dev image is the default one and more") {
  auto plain = built_in("debian-bookworm"), dev = built_in("debian-bookworm-dev");
  CHECK(dev.suite == plain.suite);
  CHECK(dev.description != plain.description);
  CHECK(dev.packages.size() > plain.packages.size());
  CHECK(std::equal(plain.packages.begin(), plain.packages.end(), dev.packages.begin()));
  CHECK(dev.files.size() == plain.files.size());
  CHECK(dev.masked_units == plain.masked_units);
  for (const auto& file : dev.files)
    if (file.path == "/root/.bashrc") CHECK(file.text.find("PS1=") != std::string::npos);
}

TEST_CASE("recipe: it adds to the recipe that it extends, and reads texts and units from files") {
  const EmbeddedFile files[] = {
      kBase,
      {"images/more/recipe.json", R"({"extends":"base","description":"more","packages":["jq"],
        "files":[{"path":"/etc/x","from":"guest/x"}],"masked_units":"guest/units"})"},
      {"guest/x", "x\n"},
      {"guest/units", "# why\na.service\n\n  b@c.timer # and this\n"},
  };
  auto plan = parse_recipe(files, "more");
  REQUIRE(plan);
  CHECK(plan->description == "more");
  CHECK(plan->kernel == "k");
  CHECK(plan->packages == std::vector<std::string>{"git", "jq"});
  REQUIRE(plan->files.size() == 1);
  CHECK(plan->files[0].text == "x\n");
  CHECK(plan->masked_units == std::vector<std::string>{"a.service", "b@c.timer"});
}

TEST_CASE("recipe: bad fields are refused by name") {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"extends":"base","suite":"x y"})", "suite"},
      {R"({"extends":"base","variant":"x y"})", "variant"},
      {R"({"extends":"base","packages":["a;b"]})", "a;b"},
      {R"({"extends":"base","timestamp":0})", "timestamp"},
      {R"({"extends":"base","packags":[]})", "packags"},
      {R"({"extends":"base","files":[{"path":"etc/x","text":""}]})", "etc/x"},
      {R"({"extends":"base","files":[{"path":"/a/../x","text":""}]})", "/a/../x"},
      {R"({"extends":"base","files":[{"path":"/x","text":"","mode":"rw"}]})", "mode"},
      {R"({"extends":"base","files":[{"path":"/x","from":"guest/gone"}]})", "guest/gone"},
      {R"({"extends":"base","files":[{"path":"/x","text":"","from":"guest/x"}]})", "both"},
      {R"({"extends":"base","masked_units":"guest/gone"})", "guest/gone"},
      {R"({"extends":"gone"})", "gone"},
      {R"({"extends":"x"})", "too deep"},
      {R"({"description":"d","kernel":"k","variant":"minbase","timestamp":1})", "suite"},
      {"[]", "object"},
  };
  for (const auto& [text, named] : cases) {
    const EmbeddedFile files[] = {kBase, {"images/x/recipe.json", text}};
    auto plan = parse_recipe(files, "x");
    INFO(text);
    REQUIRE(!plan);
    CHECK(plan.error().code == ErrorCode::invalid);
    CHECK(plan.error().message.find(named) != std::string::npos);
  }
}

TEST_CASE("recipe: the command quotes the recipe's values") {
  RecipePlan plan{.description = "d",
                  .kernel = "k",
                  .suite = "bookworm",
                  .variant = "minbase",
                  .timestamp = 1,
                  .packages = {"git", "g++"},
                  .exclude = {"/usr/share/man/*"},
                  .include = {},
                  .files = {{"/etc/it's", 0600, "a 'b'\n$c"}},
                  .masked_units = {"a.service", "b c.timer"},
                  .commands = {"echo \"hi\""}};
  auto command = mmdebstrap_command(plan, {"/etc/apt/keyrings/x.gpg"});
  auto has = [&](const std::string& argument) {
    return std::find(command.begin(), command.end(), argument) != command.end();
  };
  CHECK(command[0] == "mmdebstrap");
  CHECK(has("--include=git,g++"));
  CHECK(has("--dpkgopt=path-exclude=/usr/share/man/*"));
  CHECK(has("--setup-hook=upload /etc/apt/keyrings/x.gpg /etc/apt/keyrings/x.gpg"));
  CHECK(has("--customize-hook=chroot \"$1\" systemctl mask a.service 'b c.timer'"));
  CHECK(has("--customize-hook=chroot \"$1\" sh -euc 'echo \"hi\"'"));
  CHECK(std::any_of(command.begin(), command.end(),
                    [](const std::string& a) { return a.find("-m 0600 /dev/null \"$1\"'/etc/it'\\''s'") != a.npos; }));
  CHECK(std::vector<std::string>(command.end() - 3, command.end()) == std::vector<std::string>{"bookworm", "-", "-"});
}
