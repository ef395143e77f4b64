#include "link/sync.h"

#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <utility>

namespace banger::link {

namespace {

constexpr auto npos = std::string_view::npos;

// string_view::find searches for the first byte and then compares. memmem skips ahead, which matters at a gigabyte a
// second.
std::size_t find(std::string_view in, std::string_view what) {
  const void* at = ::memmem(in.data(), in.size(), what.data(), what.size());
  return at ? static_cast<std::size_t>(static_cast<const char*>(at) - in.data()) : npos;
}

void keep_last(std::string& tail, std::string_view more, std::size_t count) {
  if (more.size() >= count) {
    tail = more.substr(more.size() - count);
    return;
  }
  tail.append(more);
  if (tail.size() > count) tail.erase(0, tail.size() - count);
}

}  // namespace

Result<> check_token(std::string_view token) {
  if (token.size() == kTokenBytes) return {};
  return fail(ErrorCode::invalid, fmt::format("a link token must have {} bytes, not {}", kTokenBytes, token.size()));
}

std::string arrival(std::string_view token) { return std::string(token) + std::string(kNonceBytes, '\0'); }

void HelloScanner::reset() {
  rest_ = {};
  tail_.clear();
  held_.clear();
  partial_.clear();
  nonce_.clear();
  collecting_ = fresh_ = false;
}

std::optional<SyncEvent> HelloScanner::next() {
  while (!rest_.empty()) {
    if (collecting_) {
      if (auto event = take_nonce()) return event;
      continue;
    }
    if (fresh_) {
      if (auto event = open_session()) return event;
      continue;
    }
    if (token_across_reads()) continue;
    auto at = find(rest_, token_);
    auto data = rest_.substr(0, at);
    if (at == npos) {
      keep_last(tail_, rest_, kTokenBytes - 1);
      rest_ = {};
    } else {
      rest_.remove_prefix(at + kTokenBytes);
      tail_.clear();
      collecting_ = true;
    }
    if (!data.empty()) return SyncEvent{.kind = SyncEvent::Kind::data, .data = data};
  }
  return std::nullopt;
}

std::optional<SyncEvent> HelloScanner::take_nonce() {
  auto part = rest_.substr(0, kNonceBytes - partial_.size());
  partial_.append(part);
  rest_.remove_prefix(part.size());
  if (partial_.size() < kNonceBytes) return std::nullopt;
  auto nonce = std::exchange(partial_, {});
  // A host that went away may leave half a hello, directly before the next host's hello. The later hello counts. Its
  // token may begin within the supposed nonce, so `tail_` keeps those bytes.
  if (nonce == token_) return std::nullopt;
  collecting_ = false;
  tail_ = nonce.substr(1);
  if (nonce == nonce_ && !fresh_) return std::nullopt;
  auto kind = nonce == nonce_ ? SyncEvent::Kind::repeat : SyncEvent::Kind::hello;
  nonce_ = std::move(nonce);
  fresh_ = true;
  return SyncEvent{.kind = kind, .answer = token_ + nonce_};
}

std::optional<SyncEvent> HelloScanner::open_session() {
  while (!rest_.empty() && held_.size() < kTokenBytes && rest_[0] == token_[held_.size()]) {
    held_.push_back(rest_[0]);
    rest_.remove_prefix(1);
  }
  if (held_.size() == kTokenBytes) {
    held_.clear();
    tail_.clear();
    collecting_ = true;
    return std::nullopt;
  }
  if (rest_.empty()) return std::nullopt;
  fresh_ = false;
  if (held_.empty()) return std::nullopt;
  handed_ = std::exchange(held_, {});
  keep_last(tail_, handed_, kTokenBytes - 1);
  return SyncEvent{.kind = SyncEvent::Kind::data, .data = handed_};
}

bool HelloScanner::token_across_reads() {
  if (tail_.empty()) return false;
  auto seam = tail_;
  seam.append(rest_.substr(0, kTokenBytes - 1));
  auto at = find(seam, token_);
  if (at == npos) return false;
  rest_.remove_prefix(at + kTokenBytes - tail_.size());
  tail_.clear();
  collecting_ = true;
  return true;
}

std::string EchoScanner::feed(std::string_view bytes) {
  if (state_ == State::settled) return std::string(bytes);
  seen_.append(bytes);
  if (state_ == State::searching) {
    auto at = find(seen_, hello_);
    if (at == npos) {
      keep_last(seen_, "", kHelloBytes - 1);
      return {};
    }
    seen_.erase(0, at + kHelloBytes);
    state_ = State::stripping;
  }
  while (seen_.starts_with(hello_)) seen_.erase(0, kHelloBytes);
  if (hello_.starts_with(seen_)) return {};
  state_ = State::settled;
  return std::exchange(seen_, {});
}

void ArrivalScanner::expect(std::string_view token) {
  auto wanted = arrival(token);
  if (std::ranges::find(arrivals_, wanted) == arrivals_.end()) arrivals_.push_back(std::move(wanted));
}

std::size_t ArrivalScanner::find_arrival(std::string_view bytes) const {
  auto first = npos;
  for (const auto& wanted : arrivals_) first = std::min(first, find(bytes, wanted));
  return first;
}

std::string_view ArrivalScanner::feed(std::string_view bytes) {
  if (arrived_) return {};
  auto seam = tail_;
  seam.append(bytes.substr(0, kHelloBytes - 1));
  auto at = find_arrival(seam) == npos ? find_arrival(bytes) : 0;
  if (at != npos) {
    arrived_ = true;
    return bytes.substr(0, at);
  }
  keep_last(tail_, bytes, kHelloBytes - 1);
  return bytes;
}

}  // namespace banger::link
