#include "layers.h"

#include <random>

namespace banger::test {

Result<ext4::Ext4Stats> write_layers(const std::vector<std::string>& layers, const std::string& path,
                                     const ext4::LayersOptions& o) {
  std::vector<UniqueFd> fds;
  std::vector<ext4::Layer> given;
  for (const std::string& layer : layers) {
    fds.push_back(as_fd(layer));
    given.push_back({.fd = fds.back().get(), .digest = fmt::format("layer-{}", given.size())});
  }
  return ext4::write_ext4_from_layers(given, path, o);
}

namespace {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  unsigned below(std::size_t limit) { return static_cast<unsigned>(engine_() % limit); }
  bool one_in(unsigned count) { return below(count) == 0; }

  /// Names of directories and symlinks are a to c. Names of files are d to f, with exceptions.
  std::string path(bool file) {
    std::string out;
    while (one_in(2) && out.size() < 10) out += name('a') + "/";
    return out + name(file && !one_in(12) ? 'd' : 'a');
  }

  Member member() {
    static constexpr char kTypes[] = "0005555122";
    char type = kTypes[below(10)];
    Member m{.name = path(type < '2'), .type = type, .mode = 0700 + below(0100), .uid = below(3)};
    m.mtime += below(1000);
    if (type == '0') m.content = std::string(below(3) * 3000, static_cast<char>('a' + below(26)));
    if (type == '1' && files_.empty()) m.type = '0';
    if (m.type == '1') m.link = (one_in(4) ? "/" : "") + (one_in(8) ? path(true) : files_[below(files_.size())]);
    if (type == '2') m.link = target();
    if (type == '2') m.mode = 0777;
    if (one_in(5)) return whiteout(m.name);
    if (m.type == '0') files_.push_back(m.name);
    return m;
  }

 private:
  std::string name(char first) { return std::string(1, static_cast<char>(first + static_cast<char>(below(3)))); }

  std::string target() {
    std::string to = path(one_in(4));
    switch (below(4)) {
      case 0:
        return "/" + to;
      case 1:
        return "../" + to;
      case 2:
        return path(false) + "/../" + to;
      default:
        return to;
    }
  }

  Member whiteout(const std::string& path) {
    if (one_in(3)) return {.name = path + "/.wh..wh..opq"};
    auto slash = path.rfind('/');
    return {.name = slash == path.npos ? ".wh." + path : path.substr(0, slash + 1) + ".wh." + path.substr(slash + 1)};
  }

  std::mt19937 engine_;
  std::vector<std::string> files_;
};

}  // namespace

std::vector<std::vector<Member>> random_members(unsigned seed) {
  Random random(seed);
  std::vector<std::vector<Member>> layers(3);
  for (auto& layer : layers)
    for (unsigned count = 2 + random.below(5); count > 0; --count) layer.push_back(random.member());
  return layers;
}

std::vector<std::string> random_layers(unsigned seed) {
  std::vector<std::string> out;
  for (const auto& layer : random_members(seed)) {
    TarBytes tar;
    for (const Member& member : layer) tar.add(member);
    out.push_back(tar.done());
  }
  return out;
}

std::string layers_text(unsigned seed) {
  std::string out;
  for (const auto& layer : random_members(seed)) {
    out += "layer:\n";
    for (const Member& m : layer) out += fmt::format("  {} {} {}\n", m.type, m.name, m.link);
  }
  return out;
}

}  // namespace banger::test
