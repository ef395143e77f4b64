// The spec of a command: bytes stay bytes, and the limits are those of Linux.
#include "link/exec_spec.h"

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "catch.h"
#include "link/bounds.h"

using namespace banger;
using namespace banger::link;

namespace {

ErrorCode spec_error(const char* text) {
  auto spec = exec_spec_from_json(Json::parse(text));
  return spec ? ErrorCode::internal : spec.error().code;
}

std::string refusal(const ExecSpec& spec) {
  auto checked = check_spec(spec);
  return checked ? "" : checked.error().sentence();
}

// The spec as an agent reads it from frames.
Result<ExecSpec> travelled(const ExecSpec& spec) {
  std::string bytes;
  (void)encode_spec(spec, bytes);
  FrameDecoder decoder;
  decoder.feed(bytes);
  SpecReader reader;
  for (;;) {
    auto frame = TRY(decoder.next());
    if (!frame) return fail(ErrorCode::corrupt, "the spec has no end");
    if (auto json = TRY(reader.take(*frame))) return exec_spec_from_json(*json);
  }
}

bool equal(const Result<ExecSpec>& a, const ExecSpec& b) {
  return a && a->argv == b.argv && a->env == b.env && a->cwd == b.cwd && a->user == b.user && a->tty == b.tty &&
         a->rows == b.rows && a->cols == b.cols && a->term == b.term && a->main == b.main && a->detach == b.detach;
}

struct Place {
  const char* name;
  void (*put)(ExecSpec& spec, const std::string& text);
};
const Place kPlaces[] = {
    {"command", [](ExecSpec& spec, const std::string& text) { spec.argv = {text}; }},
    {"argument", [](ExecSpec& spec, const std::string& text) { spec.argv.push_back(text); }},
    {"name of a variable", [](ExecSpec& spec, const std::string& text) { spec.env[text] = "x"; }},
    {"variable", [](ExecSpec& spec, const std::string& text) { spec.env["A"] = text; }},
    {"directory", [](ExecSpec& spec, const std::string& text) { spec.cwd = text; }},
    {"user", [](ExecSpec& spec, const std::string& text) { spec.user = text; }},
    {"terminal", [](ExecSpec& spec, const std::string& text) { spec.term = text; }},
};

ExecSpec with(const Place& place, const std::string& text) {
  ExecSpec spec{.argv = {"true"}};
  place.put(spec, text);
  return spec;
}

}  // namespace

TEST_CASE("exec spec: every byte arrives at every place, or is refused before it is sent") {
  for (const auto& place : kPlaces)
    for (int byte = 0; byte < 0x100; ++byte) {
      char c = static_cast<char>(byte);
      for (const auto& text : {std::string(1, c), std::string("a") + c + "b", std::string("\xc3\xa9") + c}) {
        CAPTURE(place.name, byte, text.size());
        auto spec = with(place, text);
        bool possible = byte != 0 && !(byte == '=' && std::string_view(place.name) == "name of a variable");
        CHECK(check_spec(spec).has_value() == possible);
        CHECK(equal(travelled(spec), spec) == possible);
      }
    }
}

TEST_CASE("exec spec: a spec in UTF-8 and of one frame is what agents have always read") {
  ExecSpec spec{.argv = {"sh", "-c", "echo '\xc3\xa9'"},
                .env = {{"A", "1"}, {"EMPTY", ""}},
                .cwd = "/tmp",
                .user = "1000:1000",
                .tty = true,
                .rows = 50,
                .cols = 132,
                .term = "dumb"};
  std::string bytes;
  CHECK(encode_spec(spec, bytes) == SpecReaders::all_agents);
  std::string frame;
  encode_frame(FrameType::spec,
               R"({"argv":["sh","-c","echo ')"
               "\xc3\xa9"
               R"('"],"cols":132,"cwd":"/tmp","env":{"A":"1","EMPTY":""},"rows":50,"term":"dumb","tty":true,)"
               R"("user":"1000:1000"})",
               frame);
  CHECK(bytes == frame);
  CHECK(equal(travelled(spec), spec));
}

TEST_CASE("exec spec: what older agents refuse is known") {
  for (const auto& place : kPlaces) {
    std::string bytes;
    INFO(place.name);
    CHECK(encode_spec(with(place, "\xff"), bytes) == SpecReaders::newer_agents);
  }
  std::string bytes;
  CHECK(encode_spec({.argv = {std::string(limits::kLinkFrameBytes, 'x')}}, bytes) == SpecReaders::newer_agents);
}

TEST_CASE("exec spec: absent fields have their defaults") {
  auto spec = exec_spec_from_json(Json::parse(R"({"argv": ["true"]})"));
  REQUIRE(spec);
  CHECK(equal(spec, {.argv = {"true"}}));
}

TEST_CASE("exec spec: only a request for the main command needs a newer agent") {
  std::string bytes;
  CHECK(encode_spec({}, bytes) == SpecReaders::all_agents);
  for (auto main : {MainCommand::instead_of_shell, MainCommand::yes}) {
    ExecSpec spec{.main = main};
    CHECK(encode_spec(spec, bytes) == SpecReaders::newer_agents);
    CHECK(equal(exec_spec_from_json(to_json(spec)), spec));
  }
  CHECK_FALSE(to_json(ExecSpec{.argv = {"a"}}).contains("main"));
  CHECK_FALSE(to_json(ExecSpec{.argv = {"a"}}).contains("detach"));
  CHECK_FALSE(to_json(ExecSpec{.argv = {"a"}}).contains("user"));
}

TEST_CASE("exec spec: a command that is left to itself needs a newer agent, and has no terminal") {
  ExecSpec spec{.argv = {"a"}, .detach = true};
  std::string bytes;
  CHECK(encode_spec(spec, bytes) == SpecReaders::newer_agents);
  CHECK(equal(exec_spec_from_json(to_json(spec)), spec));
  spec.tty = true;
  CHECK(check_spec(spec).error().code == ErrorCode::invalid);
}

TEST_CASE("exec spec: a variable may come as NAME=VALUE") {
  auto spec = exec_spec_from_json(Json::parse(R"({"argv": ["a"], "env": ["A=b=c", {"base64": "/z0="}, "E="]})"));
  REQUIRE(spec);
  CHECK(spec->env == std::map<std::string, std::string>{{"A", "b=c"}, {"\xff", ""}, {"E", ""}});
}

TEST_CASE("exec spec: refuses what cannot be executed") {
  for (auto text : {R"([])",
                    R"({"argv": [""]})",
                    R"({"argv": "true"})",
                    R"({"argv": [1]})",
                    R"({"argv": ["a\u0000b"]})",
                    R"({"argv": [{"base64": "AA=="}]})",
                    R"({"argv": [{"hex": "00"}]})",
                    R"({"argv": ["a"], "env": "A"})",
                    R"({"argv": ["a"], "env": ["A"]})",
                    R"({"argv": ["a"], "env": ["=x"]})",
                    R"({"argv": ["a"], "env": {"": "x"}})",
                    R"({"argv": ["a"], "env": {"A=B": "x"}})",
                    R"({"argv": ["a"], "env": {"A\u0000": "x"}})",
                    R"({"argv": ["a"], "env": {"A": 1}})",
                    R"({"argv": ["a"], "env": {"A": "\u0000"}})",
                    R"({"argv": ["a"], "rows": 65536})",
                    R"({"argv": ["a"], "cols": -1})",
                    R"({"argv": ["a"], "cwd": "/\u0000"})",
                    R"({"argv": ["a"], "main": "no"})",
                    R"({"argv": ["a"], "main": true})",
                    R"({"argv": ["a"], "argc": 1})"}) {
    INFO(text);
    CHECK(spec_error(text) == ErrorCode::invalid);
  }
}

TEST_CASE("exec spec: one text may have the bytes that Linux allows, whatever they are") {
  for (char c : {'x', '"', '\x01', '\xff'}) {
    CAPTURE(static_cast<int>(c));
    ExecSpec most{.argv = {"true", std::string(limits::kExecStringBytes, c)}};
    CHECK(equal(travelled(most), most));
    ExecSpec variable{.argv = {"true"}, .env = {{"A", std::string(limits::kExecStringBytes - 2, c)}}};
    CHECK(equal(travelled(variable), variable));
  }
  CHECK(refusal({.argv = {"true", "a", std::string(limits::kExecStringBytes + 1, 'x')}}) ==
        "argument 2 of the command has 131072 bytes, and Linux takes 131071 at most (hint: pass long data on standard "
        "input)");
  CHECK(refusal({.argv = {"true"}, .env = {{"AB", std::string(limits::kExecStringBytes - 2, 'x')}}})
            .starts_with("the variable 'AB' has 131072 bytes, and Linux takes 131071 at most"));
  CHECK(refusal({.argv = {"true"}, .env = {{std::string(limits::kExecStringBytes + 1, 'x'), ""}}}) != "");
  CHECK(refusal({.argv = {"true"}, .cwd = std::string(limits::kPathBytes + 1, 'x')}) != "");
  CHECK(refusal({.argv = {"true"}, .user = std::string(limits::kExecNameBytes + 1, 'x')}) != "");
}

TEST_CASE("exec spec: all texts together may have what Linux allows, in few or many words") {
  ExecSpec few{.argv = {"true"}}, many{.argv = {"true"}};
  for (std::size_t used = 1000; used + 100'000 < limits::kExecBytes; used += 100'000)
    few.argv.emplace_back(100'000 - 9, '\x01');  // six bytes each in JSON
  CHECK(equal(travelled(few), few));
  many.argv.resize((limits::kExecBytes - 13) / 10, "\xff");
  CHECK(equal(travelled(many), many));
  many.argv.resize(many.argv.size() + 2, "x");
  CHECK_THAT(refusal(many), Catch::Contains("Linux takes 2097152 at most (hint: pass many words on standard input"));
}

TEST_CASE("exec spec: the reader is bounded, and refuses other frames") {
  SpecReader other;
  CHECK(other.take({FrameType::stdin_data, "x"}).error().code == ErrorCode::invalid);
  SpecReader garbage;
  CHECK_FALSE(garbage.take({FrameType::spec_part, "{"}).value().has_value());
  CHECK(garbage.take({FrameType::spec, "}}"}).error().code == ErrorCode::invalid);
  SpecReader endless;
  Frame part{FrameType::spec_part, std::string(limits::kLinkFrameBytes, ' ')};
  Result<std::optional<Json>> taken;
  std::size_t frames = 0;
  for (; taken; ++frames) taken = endless.take(part);
  CHECK(taken.error().code == ErrorCode::invalid);
  CHECK(frames == limits::kExecSpecBytes / limits::kLinkFrameBytes + 1);
}
