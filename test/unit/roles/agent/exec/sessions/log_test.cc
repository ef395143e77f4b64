// The log of a session: its bound, and readers that begin anywhere.
#include "roles/agent/exec/sessions/log.h"

#include <filesystem>

#include "catch.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::roles::agent;
using link::FrameType;

namespace {

struct Read {
  std::string out, err;
  std::vector<link::Position> positions;
};

Read read_all(LogReader& reader) {
  Read read;
  while (auto frame = reader.next()) {
    if (frame->type == FrameType::position)
      read.positions.push_back(*link::decode_position(frame->payload));
    else
      (frame->type == FrameType::stdout_data ? read.out : read.err) += frame->payload;
  }
  return read;
}

Read read_all(const std::string& directory) {
  LogReader reader(directory);
  return read_all(reader);
}

constexpr std::uint64_t kBig = 1 << 20;

}  // namespace

TEST_CASE("session log: a reader gets all bytes of both outputs, in order, and later ones") {
  test::TempDir dir;
  LogReader reader(dir.path());
  CHECK_FALSE(reader.next());
  LogWriter log(dir.path(), kBig);
  log.append(FrameType::stdout_data, "one ", 1000);
  log.append(FrameType::stderr_data, "bad", 1000);
  log.append(FrameType::stdout_data, "two ", 5000);
  auto first = read_all(reader);
  CHECK(first.out == "one two ");
  CHECK(first.err == "bad");
  REQUIRE(first.positions.size() == 1);
  CHECK(first.positions[0].out == 0);
  log.append(FrameType::stdout_data, "three", 5000);
  CHECK(read_all(reader).out == "three");
  CHECK_FALSE(reader.next());
}

TEST_CASE("session log: it has a bound, and a reader learns how much was dropped") {
  test::TempDir dir;
  constexpr std::uint64_t most = 64 * 1024;
  LogWriter log(dir.path(), most);
  LogReader slow(dir.path());
  std::string chunk(1000, 'x');
  log.append(FrameType::stdout_data, chunk, 1);
  CHECK(slow.next()->type == FrameType::position);
  CHECK(slow.next()->payload == chunk);
  std::uint64_t total = chunk.size();
  for (int i = 0; i < 500; ++i, total += chunk.size()) log.append(FrameType::stdout_data, chunk, 1);
  CHECK(log_size(dir.path()) <= most + 16 * 1024);
  auto late = read_all(dir.path());
  REQUIRE(late.positions.size() == 1);
  CHECK(late.positions[0].out > 0);
  CHECK(late.positions[0].out + late.out.size() == total);
  // The slow reader still has the first file open, and reads that to its end.
  auto rest = read_all(slow);
  REQUIRE(rest.positions.size() == 1);
  CHECK(rest.out.size() >= late.out.size());
  CHECK(rest.out.size() < total);
}

TEST_CASE("session log: the tail has exactly so many bytes, and its place") {
  test::TempDir dir;
  LogWriter log(dir.path(), kBig);
  log.append(FrameType::stdout_data, "0123456789", 1);
  log.append(FrameType::stdout_data, "abcdefghij", 1);
  for (std::uint64_t bytes : {0, 1, 5, 10, 15, 20, 100}) {
    auto reader = LogReader::tail(dir.path(), bytes);
    auto read = read_all(reader);
    std::string all = "0123456789abcdefghij";
    CHECK(read.out == all.substr(all.size() - std::min<std::size_t>(bytes, all.size())));
    REQUIRE(read.positions.size() == 1);
    CHECK(read.positions[0].out == all.size() - read.out.size());
    log.append(FrameType::stderr_data, "", 1);
    CHECK(read_all(reader).positions.empty());
  }
}

TEST_CASE("session log: it can be read since a time") {
  test::TempDir dir;
  LogWriter log(dir.path(), kBig);
  log.append(FrameType::stdout_data, "old ", 10'000);
  log.append(FrameType::stdout_data, "middle ", 20'000);
  log.append(FrameType::stdout_data, "new", 30'000);
  auto read_since = [&](std::int64_t time) {
    auto reader = LogReader::since(dir.path(), time);
    return read_all(reader);
  };
  CHECK(read_since(0).out == "old middle new");
  CHECK(read_since(20'000).out == "middle new");
  CHECK(read_since(20'000).positions.at(0).out == 4);
  CHECK(read_since(25'000).out == "new");
  CHECK(read_since(90'000).out.empty());
}

TEST_CASE("session log: a part of a frame at the end, and foreign bytes, hurt nothing else") {
  test::TempDir dir;
  LogWriter log(dir.path(), kBig);
  log.append(FrameType::stdout_data, "whole", 1);
  auto path = dir / "log.0";
  auto text = *host::read_file(path, kBig);
  REQUIRE(host::write_file(path, text + text.substr(0, text.size() - 2)).has_value());
  CHECK(read_all(dir.path()).out == "whole");
  REQUIRE(host::write_file(path, "no frames at all").has_value());
  REQUIRE(host::write_file(dir / "log.1", text).has_value());
  REQUIRE(host::write_file(dir / "log.x", "not of the log").has_value());
  CHECK(read_all(dir.path()).out == "whole");
}

TEST_CASE("session log: without a place to write, the bytes are counted as dropped") {
  test::TempDir dir;
  LogWriter log(dir / "missing", kBig);
  log.append(FrameType::stdout_data, "lost", 1);
  std::filesystem::create_directory(dir / "missing");
  log.append(FrameType::stdout_data, "kept", 1);
  auto read = read_all(dir / "missing");
  CHECK(read.out == "kept");
  CHECK(read.positions.at(0).out == 4);
}
