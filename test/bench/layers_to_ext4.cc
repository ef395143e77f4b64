// For scripts/bench: makes an ext4 image of layers, or of one tar stream, and prints what that took.
//   layers_to_ext4 layers OUT LAYER...
//   layers_to_ext4 tar OUT TAR
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "ext4/from_layers.h"
#include "host/files.h"

using namespace banger;

namespace {

Result<> make(std::string_view what, const std::string& out, const std::vector<std::string>& inputs) {
  ext4::Ext4Options options{.uuid_seed = "bench", .journal = false};
  std::vector<UniqueFd> files;
  std::vector<ext4::Layer> layers;
  for (const std::string& input : inputs) {
    files.push_back(TRY(host::open_file(input, O_RDONLY)));
    layers.push_back({.fd = files.back().get(), .digest = input});
  }
  if (what == "tar")
    TRY(ext4::write_ext4_from_tar(layers.front().fd, out, options));
  else
    TRY(ext4::write_ext4_from_layers(layers, out, {.ext4 = options}));
  auto image = TRY(host::open_file(out, O_RDONLY));
  if (::fsync(image.get()) < 0) return fail_errno(out);
  return {};
}

/// VmHWM of this program. ru_maxrss would be at least that of the program that started this one.
std::string peak_kib() {
  auto status = host::read_file("/proc/self/status", 1 << 16).value_or("");
  auto at = status.find("VmHWM:");
  return at == status.npos ? "0" : std::to_string(std::atol(status.c_str() + at + 6));
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

int main(int count, char** words) {
  if (count < 4) return 2;
  if (auto made = make(words[1], words[2], {words + 3, words + count}); !made) {
    fmt::print(stderr, "{}\n", made.error().sentence());
    return 1;
  }
  struct rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  fmt::print(R"({{"cpu_ms": {:.1f}, "peak_kib": {}}})"
             "\n",
             (seconds(used.ru_utime) + seconds(used.ru_stime)) * 1000, peak_kib());
  return 0;
}
