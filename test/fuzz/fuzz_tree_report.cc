// Fuzzes a guest's report about its tree, and lists of files whose content is known.
#include <cstdlib>
#include <string_view>

#include "workspace/stat_cache.h"
#include "workspace/tree_report.h"

namespace {

void check(const banger::workspace::FileStates& files) {
  for (const auto& [path, state] : files)
    if (!banger::workspace::is_tree_name(path) || state.hash.size() != 64) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  using namespace banger::workspace;
  if (auto tree = read_tree_report(bytes)) check(tree->files);
  if (auto files = read_files_report(bytes)) check(*files);
  SeenReader reader(bytes);
  std::size_t read = 0;
  while (auto file = reader.next()) read += file->path.size();
  if (read > size) std::abort();
  return 0;
}
