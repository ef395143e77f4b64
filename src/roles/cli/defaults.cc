#include "roles/cli/defaults.h"

#include <fmt/format.h>
#include <sys/sysinfo.h>

#include <algorithm>

#include "base/bounds.h"
#include "base/text.h"
#include "config/defaults.h"
#include "host/memory.h"
#include "roles/cli/terminal.h"

namespace banger::roles::cli {

namespace {

config::HostFacts host_facts() {
  config::HostFacts facts{.cpus = static_cast<std::uint32_t>(std::max(::get_nprocs(), 0))};
  struct sysinfo info{};
  if (::sysinfo(&info) == 0)
    facts.memory_bytes = host::bounded_by_cgroups(std::uint64_t{info.totalram} * info.mem_unit);
  return facts;
}

std::string described(std::string value, std::string_view source) {
  if (source == "host") return value + ", from the host";
  return source == "config" ? value + ", from the configuration" : value;
}

}  // namespace

ResolveDefault resolve_defaults(const Io& io) {
  auto paths = host::find_paths(io.env);
  auto settings = paths ? config::load_config(paths->config_file) : Result<config::Config>(config::Config{});
  if (!settings) return {};
  auto sizes = config::resolve_defaults(*settings, host_facts());
  return [sizes, image = settings->default_image_name](std::string_view key) -> std::string {
    if (key == "image") return image;
    if (key == "vcpus") return described(std::to_string(sizes.vcpus.value), sizes.vcpus.source);
    if (key == "memory_bytes") return described(format_size(sizes.memory_bytes.value), sizes.memory_bytes.source);
    if (key == "disk_bytes") return described(format_size(sizes.disk_bytes.value), sizes.disk_bytes.source);
    if (key == "system_bytes") return described(format_size(sizes.system_bytes.value), sizes.system_bytes.source);
    return "";
  };
}

std::size_t help_width(const Io& io) { return std::clamp<std::size_t>(terminal_size(io.out).columns, 40, 100); }

}  // namespace banger::roles::cli
