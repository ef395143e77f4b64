#include "engine/names.h"

#include <array>

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

std::string random_name(std::string_view bytes) {
  auto pick = [&](std::size_t at) {
    return static_cast<unsigned char>(bytes[at]) * 256u + static_cast<unsigned char>(bytes[at + 1]);
  };
  return std::string(kAdjectives[pick(0) % kAdjectives.size()]) + "-" +
         std::string(kAnimals[pick(2) % kAnimals.size()]);
}

}  // namespace banger::engine
