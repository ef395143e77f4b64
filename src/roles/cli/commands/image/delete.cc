// banger image delete
#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "roles/cli/arguments.h"
#include "roles/cli/fan_out.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"rm"};
constexpr Positional kPositionals[] = {kImagesArgument};

Result<int> remove(Context& context) {
  return delete_each<api::Named>(context, {.method = "image.delete", .key = "image"}, Json::object());
}

}  // namespace

extern const Command kImageDelete;
constinit const Command kImageDelete{
    .group = "image",
    .name = "delete",
    .aliases = kAliases,
    .summary = "delete images that no VM uses",
    .positionals = kPositionals,
    .options = kResultsOptions,
    .handler = remove,
};

}  // namespace banger::roles::cli
