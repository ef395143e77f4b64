#include "roles/agent/apply_document.h"

#include "catch.h"
#include "guestcfg/bounds.h"

using namespace banger;
using namespace banger::roles::agent;

namespace {

Result<std::string> content(const std::string& path) {
  if (path == "huge") return std::string(limits::kGuestConfigBytes + 1, 'x');
  if (path.starts_with("tool")) return "content of " + path;
  return fail(ErrorCode::not_found, path + ": no such file");
}

Result<guestcfg::GuestConfig> read(std::string_view text) { return read_apply_document(text, "c", content); }

std::string refusal(std::string_view text) {
  auto config = read(text);
  return config ? "accepted" : config.error().sentence();
}

}  // namespace

TEST_CASE("apply document: JSON and TOML mean the same, and files have data, text or another file's content") {
  for (auto text : {R"( {"hostname": "box", "files": [{"path": "/a", "text": "é\n"}, {"path": "/b", "from": "tool"},
                         {"path": "/c", "data": "aGk="}]})",
                    R"(hostname = "box"
                       files = [{path = "/a", text = "é\n"}, {path = "/b", from = "tool"}, {path = "/c", data = "aGk="}]
                      )"}) {
    auto config = read(text);
    INFO((config ? "" : config.error().sentence()));
    REQUIRE(config);
    CHECK(config->hostname == "box");
    REQUIRE(config->files.size() == 3);
    CHECK(config->files[0].data == "é\n");
    CHECK(config->files[1].data == "content of tool");
    CHECK(config->files[2].data == "hi");
  }
  CHECK(read("")->files.empty());
  CHECK(read("# only a comment")->files.empty());
}

TEST_CASE("apply document: a refusal names the document and the field") {
  CHECK(refusal(R"({"files": [{"path": "/a", "from": "none"}]})") == "c: files[0]: field 'from': none: no such file");
  CHECK(refusal(R"({"files": [{"path": "/a", "from": "tool", "text": "x"}]})") ==
        "c: files[0]: 'data', 'text' and 'from' exclude each other");
  CHECK(refusal(R"({"files": [{"path": "/a", "data": "", "text": "x"}]})").find("exclude") != std::string::npos);
  CHECK(refusal(R"({"files": [{"path": "/a", "text": 1}]})").find("'text'") != std::string::npos);
  CHECK(refusal(R"({"files": [{"path": "/a"}]})").find("missing field 'data'") != std::string::npos);
  CHECK(refusal(R"({"files": 1})").find("'files' must be a list") != std::string::npos);
  CHECK(refusal("hostnam = 'x'").find("did you mean 'hostname'?") != std::string::npos);
  CHECK(refusal("hostname = ").starts_with("c:1: "));
  CHECK(refusal("{").starts_with("c: "));
  CHECK(refusal(R"({"files": [{"path": "/a", "from": "huge"}]})").find("over the limit") != std::string::npos);
}
