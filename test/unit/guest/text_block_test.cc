#include "guest/text_block.h"

#include "catch.h"

using banger::guest::with_block;

TEST_CASE("text block: is appended, replaced in place, and removed without a trace") {
  std::string with = with_block("127.0.0.1 localhost", "a\n");
  CHECK(with == "127.0.0.1 localhost\n# banger: begin\na\n# banger: end\n");
  CHECK(with_block(with, "a\n") == with);
  std::string later = with_block(with + "10.0.0.1 mine\n", "b\nc\n");
  CHECK(later == "127.0.0.1 localhost\n# banger: begin\nb\nc\n# banger: end\n10.0.0.1 mine\n");
  CHECK(with_block(later, "") == "127.0.0.1 localhost\n10.0.0.1 mine\n");
}

TEST_CASE("text block: nothing to write changes nothing") {
  CHECK(with_block("", "") == "");
  CHECK(with_block("no line end", "") == "no line end");
}

TEST_CASE("text block: marks count only as whole lines, and half a block stays") {
  CHECK(with_block("echo # banger: begin\nx\n# banger: end\n", "") == "echo # banger: begin\nx\n# banger: end\n");
  CHECK(with_block("# banger: begin\nprecious\n", "a\n") ==
        "# banger: begin\nprecious\n# banger: begin\na\n# banger: end\n");
}
