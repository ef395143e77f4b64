// VM specs: names, sizes against the host, JSON, the spec line.
#include "vm/spec.h"

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "catch.h"
#include "guestcfg/guest_config.h"
#include "vm/bounds.h"

using namespace banger;

namespace {
constexpr vm::HostSize kHost{2, 8 * limits::kGiB};

vm::Spec good() {
  vm::Spec spec;
  spec.image = "debian-bookworm";
  spec.vcpus = 1;
  spec.memory_bytes = 512 * limits::kMiB;
  spec.disk_bytes = 8 * limits::kGiB;
  spec.system_bytes = 8 * limits::kGiB;
  return spec;
}
}  // namespace

TEST_CASE("spec: names follow the rule, and the error says which part is broken") {
  CHECK(vm::check_name("web"));
  CHECK(vm::check_name("a-b-9"));
  CHECK(vm::check_name("0-x"));
  CHECK(vm::check_name(std::string(63, 'a')));
  CHECK(vm::check_name(std::string(64, 'a')).error().message.find("64 characters") != std::string::npos);
  for (const char* name : {"", "../x", "-a", "Web", "a_b", "a b", "a.b", "a/b", "\n"})
    CHECK(vm::check_name(name).error().code == ErrorCode::invalid);
  CHECK(vm::check_name("a/b").error().message.find("'/'") != std::string::npos);
}

TEST_CASE("spec: a name that programs take for something else is refused") {
  for (const char* name : {"3", "08", "99999999999999999999", "0x1", "0xff", "0x", "localhost", "ip6-loopback", "x-"}) {
    INFO(name);
    auto refused = vm::check_name(name);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.starts_with(std::string("'") + name + "' cannot name a VM: "));
  }
  for (const char* name : {"3a", "a3", "0x1g", "1-2", "localhost-1", "ff", "x-y"}) CHECK(vm::check_name(name));
  for (const char* name : {"3", "0x1", "localhost", "x-"}) CHECK(vm::check_snapshot_name(name));
  CHECK(vm::check_snapshot_name("a b").error().message == "'a b' cannot name a snapshot: it holds ' '");
}

TEST_CASE("spec: a guest accepts every name that passes, for every byte in every place") {
  int accepted = 0;
  for (int byte = 0; byte < 0x100; ++byte) {
    char c = static_cast<char>(byte);
    for (const auto& name : {std::string(1, c), std::string("a") + c, c + std::string("a"),
                             "a" + std::string(1, c) + "a", std::string(62, 'a') + c}) {
      if (!vm::check_name(name)) continue;
      ++accepted;
      guestcfg::GuestConfig config{.hostname = name, .hosts = {{"127.0.1.1", {name}}}};
      auto text = encode_json(guestcfg::to_json(config, guestcfg::Contents::inline_data));
      REQUIRE(text);
      auto guest = guestcfg::from_json(parse_json(*text, 1000).value());
      CAPTURE(name);
      REQUIRE(guest);
      CHECK(guest->hostname == name);
    }
  }
  CHECK(accepted == 26 * 5 + 10 * 4 + 1);
}

TEST_CASE("spec: variables and labels that no guest or list could carry are refused by name") {
  auto refusal = [](std::map<std::string, std::string> environment, std::map<std::string, std::string> labels) {
    auto spec = good();
    spec.environment = std::move(environment);
    spec.labels = std::move(labels);
    auto checked = vm::check_spec(spec, kHost);
    return checked ? "" : checked.error().message;
  };
  CHECK(refusal({{"a.b", "1"}, {"A", "x\ny"}}, {{"team", "a b=c"}, {"\xc3\xa9", ""}}) == "");
  CHECK(refusal({{"", "1"}}, {}) == "a variable has no name");
  CHECK(refusal({}, {{"", "1"}}) == "a label has no key");
  CHECK(refusal({}, {{"a=b", "1"}}) == "the label 'a=b' has a '=' in its key");
  CHECK(refusal({}, {{"a", "\xff"}}) == "the label 'a' is not UTF-8 text");
  CHECK(refusal({}, {{"a\n", ""}}) == "the label 'a\\x0a' has control characters");
  CHECK(refusal({}, {{"a", std::string("x\0", 2)}}) == "the label 'a' has control characters");
  CHECK(refusal({}, {{"a", std::string(limits::kLabelBytes, 'x')}}) ==
        "the labels of a VM have 4097 bytes, over the limit of 4K");
}

TEST_CASE("spec: the storage is an overlay unless recorded, and other words are refused") {
  auto spec = good();
  CHECK_FALSE(vm::has_plain_root(spec));
  for (auto [storage, text] : vm::kStorageWords) {
    spec.storage = storage;
    CHECK(vm::to_json(spec)["storage"] == text);
    CHECK(vm::spec_from_json(vm::to_json(spec))->storage == storage);
    CHECK(vm::has_plain_root(spec) == (storage != vm::Storage::overlay));
  }
  auto old = vm::to_json(spec);
  old.erase("storage");
  CHECK(vm::spec_from_json(old)->storage == vm::Storage::overlay);
  old["storage"] = "zfs";
  CHECK(vm::spec_from_json(old).error().code == ErrorCode::invalid);
}

TEST_CASE("spec: the network is user unless recorded, and other words are refused") {
  auto spec = good();
  spec.network = vm::Network::bridge;
  CHECK(vm::spec_from_json(vm::to_json(spec))->network == vm::Network::bridge);
  auto old = vm::to_json(spec);
  old.erase("network");
  CHECK(vm::spec_from_json(old)->network == vm::Network::user);
  old["network"] = "auto";
  CHECK(vm::spec_from_json(old).error().code == ErrorCode::invalid);
}

TEST_CASE("spec: sizes beyond the host's or banger's limits are refused with a hint") {
  CHECK(vm::check_spec(good(), kHost));
  auto with = [](auto change) {
    auto spec = good();
    change(spec);
    return vm::check_spec(spec, kHost);
  };
  CHECK(with([](auto& s) { s.vcpus = 0; }).error().code == ErrorCode::invalid);
  CHECK(with([](auto& s) { s.vcpus = 9; }).error().sentence() ==
        "9 vcpus are too many: a VM may have 4 for each of this host's 2 processors (hint: give at most 8)");
  auto huge = good();
  huge.vcpus = limits::kMaxVcpus + 1;
  CHECK(vm::check_spec(huge, {.cpus = 128, .memory_bytes = kHost.memory_bytes}).error().sentence() ==
        "65 vcpus are too many for a VM (hint: give at most 64)");
  CHECK(with([](auto& s) { s.memory_bytes = 0; }).error().code == ErrorCode::invalid);
  CHECK(with([](auto& s) { s.memory_bytes = 9 * limits::kGiB; }).error().code == ErrorCode::exhausted);
  CHECK(with([](auto& s) { s.disk_bytes = 1; }).error().hint == "give at least 64M");
  CHECK(with([](auto& s) { s.system_bytes = 1ull << 62; }).error().code == ErrorCode::invalid);
}

TEST_CASE("spec: JSON survives a round trip; an error names a wrong type") {
  auto spec = good();
  spec.nat = false;
  spec.environment["A"] = "b";
  spec.labels["x"] = "y";
  auto back = vm::spec_from_json(vm::to_json(spec));
  REQUIRE(back);
  CHECK(vm::to_json(*back) == vm::to_json(spec));
  auto json = vm::to_json(spec);
  json["vcpus"] = "two";
  CHECK(vm::spec_from_json(json).error().message.find("'vcpus'") != std::string::npos);
  json = vm::to_json(spec);
  json["memory_bytes"] = -1;
  CHECK(!vm::spec_from_json(json));
  json = vm::to_json(spec);
  json["labels"] = Json::array({1});
  CHECK(!vm::spec_from_json(json));
}

TEST_CASE("spec: the spec line gives the sizes as lists do") {
  auto spec = good();
  spec.vcpus = 4;
  spec.memory_bytes = 8 * limits::kGiB;
  CHECK(vm::spec_line(spec) == "spec: 4 vcpu · 8G memory · 8G disk");
}

TEST_CASE("spec: an old record is open, and rules beyond the limits are refused") {
  auto old = vm::to_json(good());
  old.erase("egress");
  old.erase("allow");
  CHECK(vm::spec_from_json(old)->egress == vm::kOpenEgress);
  CHECK(vm::spec_from_json(old)->allow.empty());
  auto refusal = [](std::string egress, std::vector<std::string> allow) {
    auto spec = good();
    spec.egress = std::move(egress);
    spec.allow = std::move(allow);
    auto checked = vm::check_spec(spec, kHost);
    return checked ? "" : checked.error().message;
  };
  std::string longest(limits::kAllowRuleBytes, 'a');
  CHECK(refusal("none", std::vector<std::string>(limits::kAllowRules, "a.b")) == "");
  CHECK(refusal("a0-b", {longest}) == "");
  CHECK(refusal(std::string(63, 'a'), {}) == "");
  CHECK(refusal(std::string(64, 'a'), {}) ==
        "'" + std::string(64, 'a') + "' cannot name a policy: it has 64 characters");
  CHECK(refusal("", {}) == "'' cannot name a policy: it is empty");
  CHECK(refusal("CI", {}) == "'CI' cannot name a policy: it starts with 'C'");
  CHECK(refusal("-a", {}) == "'-a' cannot name a policy: it starts with '-'");
  CHECK(refusal("a.b", {}) == "'a.b' cannot name a policy: it holds '.'");
  CHECK(refusal("none", {""}) == "'' is not a host that a VM may reach: it is empty");
  CHECK(refusal("none", {"a\n"}) == "'a\\x0a' is not a host that a VM may reach: it has control characters");
  CHECK(refusal("none", {"\xff"}) == "'\\xff' is not a host that a VM may reach: it is not UTF-8 text");
  CHECK(refusal("none", {longest + "a"}).ends_with("it has 301 bytes"));
  CHECK(refusal("none", std::vector<std::string>(limits::kAllowRules + 1, "a")) ==
        "a VM has 16385 rules of hosts that it may reach, over the limit of 16384");
  CHECK(refusal("none", std::vector<std::string>(874, longest)) ==
        "the rules of hosts that a VM may reach have 262200 bytes, over the limit of 256K");
}

TEST_CASE("spec: a VM reaches the outside, unless it has no nat, or a user network with the policy none") {
  vm::Spec spec;
  CHECK(vm::reaches_outside(spec));
  spec.egress = "none";
  CHECK_FALSE(vm::reaches_outside(spec));
  // The gate decides there.
  spec.network = vm::Network::bridge;
  CHECK(vm::reaches_outside(spec));
  spec.nat = false;
  CHECK_FALSE(vm::reaches_outside(spec));
}
