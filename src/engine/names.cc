#include "engine/names.h"

#include <array>

#include "host/files.h"

namespace banger::engine {

namespace {

constexpr std::array<std::string_view, 48> kAdjectives = {
    "able",  "amber",  "apt",   "bold",  "brave", "brisk", "calm",  "clear",  "clever", "cosy",  "crisp", "deft",
    "eager", "early",  "fair",  "fast",  "fine",  "fond",  "fresh", "gentle", "glad",   "grand", "happy", "keen",
    "kind",  "lively", "loyal", "lucid", "merry", "mild",  "neat",  "nimble", "noble",  "plain", "proud", "quick",
    "quiet", "rapid",  "ready", "sharp", "sleek", "snug",  "sound", "spry",   "sunny",  "swift", "warm",  "wise"};
constexpr std::array<std::string_view, 48> kAnimals = {
    "badger", "bear",  "beaver", "bison", "crane",  "crow",  "deer",  "dove",  "duck",  "eagle", "egret", "falcon",
    "ferret", "finch", "fox",    "gecko", "goose",  "hare",  "hawk",  "heron", "horse", "ibis",  "jay",   "koala",
    "lark",   "lemur", "lion",   "lynx",  "marten", "mole",  "moose", "newt",  "otter", "owl",   "panda", "puffin",
    "raven",  "robin", "seal",   "shrew", "sloth",  "stork", "swan",  "tapir", "tiger", "toad",  "wolf",  "wren"};

}  // namespace

std::string random_id() {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string id;
  while (id.size() < 12)
    for (unsigned char byte : host::random_bytes(16))
      // 252 is the largest multiple of 36 in a byte, so all letters are equally likely.
      if (byte < 252 && id.size() < 12) id += kAlphabet[byte % 36];
  return id;
}

std::string random_name(std::string_view bytes) {
  auto pick = [&](std::size_t at) {
    return static_cast<unsigned char>(bytes[at]) * 256u + static_cast<unsigned char>(bytes[at + 1]);
  };
  return std::string(kAdjectives[pick(0) % kAdjectives.size()]) + "-" +
         std::string(kAnimals[pick(2) % kAnimals.size()]);
}

}  // namespace banger::engine
