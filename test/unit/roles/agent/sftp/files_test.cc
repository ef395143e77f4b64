#include "roles/agent/sftp/files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "catch.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::roles::agent::sftp;

namespace {

constexpr std::uint32_t kRead = 1, kWrite = 2, kAppend = 4, kCreate = 8, kTruncate = 16, kExclusive = 32;
constexpr std::uint32_t kOk = 0, kEnd = 1, kMissing = 2, kFailure = 4, kUnsupported = 8;

struct Answer {
  std::uint8_t kind = 0;
  std::uint32_t id = 0, status = ~0u;
  std::string text;  ///< the handle or the data
};

Answer ask(Files& files, Request request) {
  request.id = 42;
  auto bytes = files.answer(request);
  Reader reader(bytes);
  Answer answer{.kind = reader.byte(), .id = reader.number(), .text = {}};
  if (answer.kind == 101) answer.status = reader.number();
  if (answer.kind == 102 || answer.kind == 103) answer.text = reader.text();
  CHECK(answer.id == (answer.kind == 2 ? 3 : 42));
  CHECK(reader.ok());
  return answer;
}

std::string open(Files& files, const std::string& path, std::uint32_t flags, std::uint32_t mode = 0644) {
  auto answer = ask(files, {.kind = Kind::open, .path = path, .flags = flags, .attributes = {.mode = mode}});
  CHECK(answer.kind == 102);
  return answer.text;
}

std::vector<std::string> names_of(const std::string& bytes) {
  Reader reader(bytes);
  if (reader.byte() != 104) return {};
  reader.number();
  std::vector<std::string> names;
  for (auto count = reader.number(); count > 0; --count) {
    names.emplace_back(reader.text());
    reader.text();
    read_attributes(reader);
  }
  CHECK(reader.ok());
  return names;
}

}  // namespace

TEST_CASE("sftp files: what is written is read back, in pieces and at any place") {
  test::TempDir dir;
  Files files(dir.path());
  auto handle = open(files, dir / "new", kWrite | kCreate | kExclusive, 0600);
  CHECK(ask(files, {.kind = Kind::write, .handle = handle, .offset = 3, .data = "def"}).status == kOk);
  CHECK(ask(files, {.kind = Kind::write, .handle = handle, .offset = 0, .data = "abc"}).status == kOk);
  CHECK(ask(files, {.kind = Kind::close, .handle = handle}).status == kOk);
  CHECK(ask(files, {.kind = Kind::close, .handle = handle}).status == kFailure);
  CHECK(*host::read_file(dir / "new", 100) == "abcdef");
  auto reader = open(files, dir / "new", kRead);
  CHECK(ask(files, {.kind = Kind::read, .handle = reader, .offset = 2, .length = 3}).text == "cde");
  CHECK(ask(files, {.kind = Kind::read, .handle = reader, .offset = 6, .length = 3}).status == kEnd);
  CHECK(ask(files, {.kind = Kind::write, .handle = reader, .data = "x"}).status != kOk);
  auto appender = open(files, dir / "new", kWrite | kAppend);
  CHECK(ask(files, {.kind = Kind::write, .handle = appender, .offset = 0, .data = "ghi"}).status == kOk);
  CHECK(*host::read_file(dir / "new", 100) == "abcdefghi");
  open(files, dir / "new", kWrite | kTruncate);
  CHECK(host::read_file(dir / "new", 100)->empty());
  CHECK(ask(files, {.kind = Kind::open, .path = dir / "none", .flags = kRead}).status == kMissing);
}

TEST_CASE("sftp files: a rename of version 3 replaces nothing, and that of OpenSSH does") {
  test::TempDir dir;
  Files files(dir.path());
  (void)host::write_file(dir / "one", "1");
  (void)host::write_file(dir / "two", "2");
  CHECK(ask(files, {.kind = Kind::rename, .path = dir / "one", .other = dir / "two"}).status == kFailure);
  CHECK(*host::read_file(dir / "two", 10) == "2");
  CHECK(ask(files,
            {.kind = Kind::extended, .name = "posix-rename@openssh.com", .path = dir / "one", .other = dir / "two"})
            .status == kOk);
  CHECK(*host::read_file(dir / "two", 10) == "1");
}

TEST_CASE("sftp files: directories are listed to their end, with links and odd names as they are") {
  test::TempDir dir;
  Files files(dir.path());
  auto inner = dir / "inner";
  CHECK(ask(files, {.kind = Kind::make_directory, .path = inner, .attributes = {.mode = 0700}}).status == kOk);
  for (int at = 0; at < 150; ++at) (void)host::write_file(inner + "/" + std::to_string(at), "");
  (void)host::write_file(inner + "/odd\n\xff", "");
  CHECK(ask(files, {.kind = Kind::make_symlink, .path = "no where", .other = inner + "/link"}).status == kOk);
  auto handle = ask(files, {.kind = Kind::open_directory, .path = inner}).text;
  std::set<std::string> seen;
  for (;;) {
    auto names = names_of(files.answer({.kind = Kind::read_directory, .handle = handle}));
    if (names.empty()) break;
    seen.insert(names.begin(), names.end());
  }
  CHECK(seen.size() == 154);
  CHECK(seen.contains("odd\n\xff"));
  CHECK(ask(files, {.kind = Kind::read_directory, .handle = handle}).status == kEnd);
  CHECK(names_of(files.answer({.kind = Kind::read_link, .path = inner + "/link"})) ==
        std::vector<std::string>{"no where"});
  CHECK(ask(files, {.kind = Kind::stat, .path = inner + "/link"}).status == kMissing);
  CHECK(ask(files, {.kind = Kind::lstat, .path = inner + "/link"}).kind == 105);
  CHECK(ask(files, {.kind = Kind::remove_directory, .path = inner}).status == kFailure);
}

TEST_CASE("sftp files: attributes are changed one by one") {
  test::TempDir dir;
  Files files(dir.path());
  (void)host::write_file(dir / "file", "content");
  CHECK(ask(files, {.kind = Kind::set_stat, .path = dir / "file", .attributes = {.mode = 0754}}).status == kOk);
  CHECK(ask(files, {.kind = Kind::set_stat, .path = dir / "file", .attributes = {.size = 4}}).status == kOk);
  CHECK(ask(files, {.kind = Kind::set_stat, .path = dir / "file", .attributes = {.times = {{1000, 2000}}}}).status ==
        kOk);
  struct stat info{};
  REQUIRE(::stat((dir / "file").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0754);
  CHECK(info.st_size == 4);
  CHECK(info.st_mtim.tv_sec == 2000);
  auto handle = open(files, dir / "file", kWrite);
  CHECK(ask(files, {.kind = Kind::set_fstat, .handle = handle, .attributes = {.mode = 0600}}).status == kOk);
  Attributes owner{.owner = {{::getuid(), ::getgid()}}};
  CHECK(ask(files, {.kind = Kind::set_fstat, .handle = handle, .attributes = owner}).status == kOk);
  CHECK(ask(files, {.kind = Kind::extended, .name = "fsync@openssh.com", .handle = handle}).status == kOk);
  CHECK(ask(files, {.kind = Kind::fstat, .handle = handle}).kind == 105);
}

TEST_CASE("sftp files: paths are made whole, and ~ is the home") {
  test::TempDir dir;
  Files files(dir.path());
  auto real = [&](Kind kind, std::string path) {
    return names_of(files.answer({.kind = kind, .name = "expand-path@openssh.com", .path = std::move(path)})).at(0);
  };
  auto whole = std::filesystem::canonical(dir.path()).string();
  CHECK(real(Kind::real_path, dir.path() + "/../" + std::filesystem::path(whole).filename().string()) == whole);
  CHECK(real(Kind::real_path, dir / "not-yet") == whole + "/not-yet");
  CHECK(real(Kind::extended, "~/sub") == whole + "/sub");
  CHECK(real(Kind::real_path, "/") == "/");
  CHECK(ask(files, {.kind = Kind::real_path, .path = dir / "no/where"}).status == kMissing);
}

TEST_CASE("sftp files: a FIFO without a reader holds nobody up") {
  test::TempDir dir;
  Files files(dir.path());
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  CHECK(ask(files, {.kind = Kind::open, .path = dir / "fifo", .flags = kWrite}).status == kFailure);
  auto handle = open(files, dir / "fifo", kRead);
  CHECK(ask(files, {.kind = Kind::read, .handle = handle, .length = 10}).status == kEnd);
}

TEST_CASE("sftp files: unknown extensions and too many files are refused") {
  test::TempDir dir;
  Files files(dir.path());
  CHECK(ask(files, {.kind = Kind::extended, .name = "copy-data"}).status == kUnsupported);
  (void)host::write_file(dir / "file", "");
  for (int at = 0; at < 512; ++at)
    REQUIRE(ask(files, {.kind = Kind::open, .path = dir / "file", .flags = kRead}).kind == 102);
  CHECK(ask(files, {.kind = Kind::open, .path = dir / "file", .flags = kRead}).status == kFailure);
}
