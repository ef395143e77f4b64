// Queries as a resolver writes them, and answers read back the slow and plain way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dns_wire {

inline std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}

/// Dots separate labels.
inline std::string name(std::string text) {
  std::string wire;
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('.', at), text.size());
    wire += static_cast<char>(end - at);
    wire += text.substr(at, end - at);
    at = end + 1;
  }
  return wire + '\0';
}

struct Ask {
  std::string name;
  unsigned type = 1, klass = 1, flags = 0x0100, id = 0x1234;
};

inline std::string opt(unsigned version = 0, unsigned size = 4096) {
  return std::string(1, '\0') + u16(41) + u16(size) + std::string{0, static_cast<char>(version)} + u16(0) + u16(0);
}

inline std::string query(const Ask& ask, const std::string& additional = "") {
  return u16(ask.id) + u16(ask.flags) + u16(1) + u16(0) + u16(0) + u16(additional.empty() ? 0 : 1) + name(ask.name) +
         u16(ask.type) + u16(ask.klass) + additional;
}

struct Record {
  std::string name;
  unsigned type = 0, klass = 0;
  std::uint32_t ttl = 0;
  std::string data;
};

struct Answer {
  unsigned id = 0, flags = 0, counts[4] = {};
  std::vector<Record> records;  ///< questions (name, type, class), then the three sections
  bool whole = false;           ///< every byte was accounted for
  unsigned rcode() const { return flags & 15; }
  bool has(unsigned bit) const { return flags & bit; }
};

class Parser {
 public:
  explicit Parser(const std::string& bytes) : bytes_(bytes) {}

  Answer run() {
    Answer answer{.id = number(2), .flags = number(2)};
    unsigned all = 0;
    for (auto& count : answer.counts) all += count = number(2);
    for (unsigned i = 0; i < all && ok_; ++i) {
      Record record{.name = domain(), .type = number(2), .klass = number(2)};
      if (i >= answer.counts[0]) {
        record.ttl = number(4);
        auto size = number(2);
        if (at_ + size > bytes_.size())
          ok_ = false;
        else
          record.data = bytes_.substr(at_, size);
        at_ += size;
      }
      answer.records.push_back(record);
    }
    answer.whole = ok_ && at_ == bytes_.size();
    return answer;
  }

 private:
  unsigned number(int count) {
    unsigned value = 0;
    for (; count > 0; --count) {
      if (at_ >= bytes_.size()) ok_ = false;
      value = value << 8 | (ok_ ? static_cast<unsigned char>(bytes_[at_]) : 0u);
      ++at_;
    }
    return value;
  }
  std::string domain() {
    std::string text;
    std::size_t back = 0;
    for (int steps = 0; ok_ && steps < 300; ++steps) {
      auto size = number(1);
      if (size >= 0xc0) {
        auto to = (size & 0x3f) << 8 | number(1);
        if (!back) back = at_;
        at_ = to;
      } else if (size == 0) {
        if (back) at_ = back;
        return text;
      } else {
        if (at_ + size > bytes_.size()) break;
        text += (text.empty() ? "" : ".") + bytes_.substr(at_, size);
        at_ += size;
      }
    }
    ok_ = false;
    return text;
  }

  const std::string& bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

inline Answer parse(const std::string& bytes) { return Parser(bytes).run(); }

}  // namespace dns_wire
