// Shared parts of the file-system tests: calls of real tools, and hand-made tar streams, which can be invalid.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "base/unique_fd.h"
#include "catch.h"
#include "support/temp_dir.h"

namespace banger::test {

struct Ran {
  int status = -1;
  std::string output;
};

inline Ran run(const std::string& command) {
  Ran ran;
  FILE* pipe =
      ::popen(("PATH=$PATH:/usr/sbin:/sbin LC_ALL=C TZ=UTC; export PATH LC_ALL TZ; " + command + " 2>&1").c_str(), "r");
  REQUIRE(pipe);
  std::array<char, 4096> buffer;
  while (std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) ran.output.append(buffer.data(), got);
  int status = ::pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return ran;
}

/// Returns the output of e2fsck, or an empty string if it finds no problem.
inline std::string complaints(const std::string& image) {
  Ran ran = run("e2fsck -fn " + image);
  return ran.status == 0 ? "" : ran.output;
}

inline std::string debugfs(const std::string& image, const std::string& request) {
  return run(fmt::format("debugfs -R '{}' {}", request, image)).output;
}

inline std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

inline void spill(const std::string& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  REQUIRE(file.good());
}

inline UniqueFd as_fd(std::string_view bytes) {
  UniqueFd fd(::memfd_create("tar", MFD_CLOEXEC));
  REQUIRE(fd);
  REQUIRE(::write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  REQUIRE(::lseek(fd.get(), 0, SEEK_SET) == 0);
  return fd;
}

struct Member {
  std::string name;
  char type = '0';  ///< POSIX typeflag
  std::string content = {};
  std::string link = {};
  unsigned mode = 0644;
  unsigned uid = 0, gid = 0;
  long mtime = 1'700'000'000;
  unsigned device_major = 0, device_minor = 0;
  std::map<std::string, std::string> pax = {};
};

/// Builds a ustar/pax stream member by member, without any checks.
class TarBytes {
 public:
  TarBytes& add(const Member& member) {
    if (!member.pax.empty()) {
      std::string records;
      for (const auto& [key, value] : member.pax) records += record(key, value);
      put({.name = "pax", .type = 'x', .content = records});
    }
    put(member);
    return *this;
  }
  TarBytes& file(const std::string& name, const std::string& content = "x") {
    return add({.name = name, .content = content});
  }
  TarBytes& directory(const std::string& name, unsigned mode = 0755) {
    return add({.name = name, .type = '5', .mode = mode});
  }
  TarBytes& symlink(const std::string& name, const std::string& target) {
    return add({.name = name, .type = '2', .link = target, .mode = 0777});
  }
  TarBytes& hard_link(const std::string& name, const std::string& target) {
    return add({.name = name, .type = '1', .link = target});
  }

  std::string unfinished() const { return bytes_; }
  std::string done() const { return bytes_ + std::string(1024, '\0'); }

 private:
  static std::string record(const std::string& key, const std::string& value) {
    std::size_t body = key.size() + value.size() + 3, size = body + 1;
    while (std::to_string(size).size() + body != size) size = std::to_string(size).size() + body;
    return fmt::format("{} {}={}\n", size, key, value);
  }

  void put(const Member& m) {
    std::string header(512, '\0');
    auto text = [&](std::size_t at, std::size_t room, const std::string& value) {
      header.replace(at, std::min(room, value.size()), value.substr(0, room));
    };
    auto octal = [&](std::size_t at, int digits, unsigned long long value) {
      text(at, static_cast<std::size_t>(digits), fmt::format("{:0{}o}", value, digits));
    };
    text(0, 100, m.name);
    octal(100, 7, m.mode);
    octal(108, 7, m.uid);
    octal(116, 7, m.gid);
    octal(124, 11, m.content.size());
    octal(136, 11, static_cast<unsigned long long>(m.mtime));
    text(148, 8, "        ");
    header[156] = m.type;
    text(157, 100, m.link);
    text(257, 8,
         std::string("ustar\0"
                     "00",
                     8));
    octal(329, 7, m.device_major);
    octal(337, 7, m.device_minor);
    unsigned sum = 0;
    for (unsigned char c : header) sum += c;
    text(148, 7, fmt::format("{:06o}", sum) + '\0');
    bytes_ += header;
    bytes_ += m.content;
    bytes_.resize((bytes_.size() + 511) / 512 * 512, '\0');
  }

  std::string bytes_;
};

}  // namespace banger::test
