#include "roles/cli/builder/limited_copy.h"

#include <signal.h>

#include <thread>

#include "catch.h"
#include "host/files.h"

using namespace banger;
using namespace banger::roles::cli;

TEST_CASE("copy while read: everything is copied until the end of the input") {
  auto in = BytePipe::make().value(), out = BytePipe::make().value(), watched = BytePipe::make().value();
  REQUIRE(host::write_all(in.writer.get(), "some bytes"));
  in.writer.reset();
  CHECK(copy_while_read(in.reader.get(), out.writer.get(), watched.writer.get()).value());
  out.writer.reset();
  CHECK(host::read_all(out.reader.get(), "the copy", 100).value() == "some bytes");
}

TEST_CASE("copy while read: an input that never ends does not outlive the watched reader") {
  auto in = BytePipe::make().value(), out = BytePipe::make().value(), watched = BytePipe::make().value();
  Result<bool> whole = true;
  std::jthread copying([&] { whole = copy_while_read(in.reader.get(), out.writer.get(), watched.writer.get()); });
  watched.reader.reset();
  copying.join();
  CHECK_FALSE(whole.value());
}

TEST_CASE("copy while read: an output without a reader is an error") {
  auto in = BytePipe::make().value(), out = BytePipe::make().value(), watched = BytePipe::make().value();
  REQUIRE(host::write_all(in.writer.get(), "some bytes"));
  out.reader.reset();
  ::signal(SIGPIPE, SIG_IGN);  // as in the command line
  auto whole = copy_while_read(in.reader.get(), out.writer.get(), watched.writer.get());
  REQUIRE_FALSE(whole);
  CHECK(whole.error().sys_errno == EPIPE);
}

TEST_CASE("copy limited: a stop ends a copy whose input is silent") {
  auto in = BytePipe::make().value(), out = BytePipe::make().value();
  image::StopFlag stop = false;
  Result<> copied;
  std::jthread copying([&] { copied = copy_limited(in.reader.get(), out.writer.get(), "/", UINT64_MAX, &stop); });
  stop = true;
  copying.join();
  REQUIRE_FALSE(copied);
  CHECK(copied.error().code == ErrorCode::cancelled);
}
