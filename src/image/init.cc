#include "image/init.h"

#include <sys/stat.h>

#include "ext4/files.h"
#include "guest/bounds.h"

namespace banger::image {

namespace {

class FilesOfImage : public guest::RootFiles {
 public:
  explicit FilesOfImage(const ext4::ImageFiles& files) : files_(files) {}

  std::string program_name(const std::string& path) const override {
    auto file = files_.find(path);
    return file && S_ISREG(file->mode) && (file->mode & 0111) ? file->name : "";
  }
  bool exists(const std::string& path) const override { return files_.find(path).has_value(); }
  std::optional<std::string> read(const std::string& path) const override {
    auto text = files_.read(path, limits::kInittabBytes);
    return text ? std::optional(std::move(*text)) : std::nullopt;
  }

 private:
  const ext4::ImageFiles& files_;
};

}  // namespace

Result<guest::InitKind> detect_init(const std::string& image_path) {
  auto files = TRY(ext4::ImageFiles::open(image_path));
  return guest::find_init(FilesOfImage(files)).kind;
}

}  // namespace banger::image
