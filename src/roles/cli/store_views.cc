#include "roles/cli/store_views.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "roles/cli/fields.h"
#include "roles/cli/table.h"

namespace banger::roles::cli {

namespace {

struct Row {
  const char *label, *field;
  enum class As { text, size, time, list } as = As::text;
};

std::string value_of(const Json& object, const Row& row) {
  switch (row.as) {
    case Row::As::size:
      return size_of(object, row.field);
    case Row::As::time:
      return time_of(number_of(object, row.field));
    case Row::As::list:
      return joined(list_of(object, row.field));
    case Row::As::text:
      break;
  }
  return text_of(object, row.field);
}

void show(Context& context, const Json& object, std::span<const Row> rows) {
  if (context.args.flag("json")) return context.io.print(dump_json_pretty(object) + "\n");
  Table table;
  for (const auto& row : rows) table.add({row.label, value_of(object, row)});
  context.io.print(table.text(context.io.colour(context.io.out)));
}

// `about` is the text after "NAME: ".
void made(Context& context, const Json& object, const char* name_field, const char* id_field,
          const std::string& about) {
  auto& io = context.io;
  if (context.args.flag("json"))
    io.print(dump_json_pretty(object) + "\n");
  else if (context.args.flag("quiet"))
    io.print(safe_text(text_of(object, id_field)) + "\n");
  else
    io.print(fmt::format("{}: {}\n", safe_text(text_of(object, name_field)), safe_text(about)));
}

std::string ready(const Json& object) { return "ready, " + size_of(object, "size_bytes"); }

constexpr Row kImageRows[] = {
    {"name", "name"},
    {"id", "id"},
    {"source", "source"},
    {"kernel", "kernel"},
    {"init", "init"},
    {"size", "size_bytes", Row::As::size},
    {"root files", "rootfs_bytes", Row::As::size},
    {"sha256", "sha256"},
    {"created", "created_at", Row::As::time},
    {"used by", "used_by", Row::As::list},
    {"path", "rootfs"},
};
constexpr Row kKernelRows[] = {
    {"name", "name"},
    {"release", "release"},
    {"source", "source"},
    {"size", "size_bytes", Row::As::size},
    {"sha256", "sha256"},
    {"created", "created_at", Row::As::time},
    {"used by", "used_by", Row::As::list},
    {"path", "vmlinux"},
};

}  // namespace

void show_image(Context& context, const Json& image) { show(context, image, kImageRows); }
void show_kernel(Context& context, const Json& kernel) { show(context, kernel, kKernelRows); }
void made_image(Context& context, const Json& image) { made(context, image, "name", "id", ready(image)); }
void made_kernel(Context& context, const Json& kernel) { made(context, kernel, "name", "name", ready(kernel)); }
void made_template(Context& context, const Json& each) { made(context, each, "id", "id", ready(each)); }
Result<> made_snapshot(Context& context, const Json& json) {
  auto snapshot = TRY(api::read<api::SnapshotObject>(json));
  made(context, json, "name", "id",
       fmt::format("{} of VM {}, {}", held_by_snapshot(snapshot), snapshot.vm, format_size(snapshot.size_bytes)));
  return {};
}

std::string_view held_by_snapshot(const api::SnapshotObject& snapshot) {
  return snapshot.has_memory ? "memory, disks" : "disks";
}

std::string absolute_path(const std::string& path) {
  std::error_code error;
  auto absolute = std::filesystem::absolute(path, error).lexically_normal();
  return error ? path : absolute.string();
}

}  // namespace banger::roles::cli
