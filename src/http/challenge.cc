#include "http/challenge.h"

#include <algorithm>

#include "http/bounds.h"
#include "http/headers.h"

namespace banger::http {

namespace {

constexpr std::string_view kBlanks = " \t";

std::unexpected<Error> malformed() {
  return fail(ErrorCode::invalid, "the server's header WWW-Authenticate is malformed");
}

/// Reads the header from left to right. What has been read is gone from `rest_`.
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  Result<std::vector<Challenge>> run() {
    std::vector<Challenge> challenges;
    for (skip_separators(); !rest_.empty(); skip_separators()) {
      if (challenges.size() == limits::kChallenges)
        return fail(ErrorCode::invalid, "the server offers too many ways to log in");
      challenges.push_back(TRY(challenge()));
    }
    return challenges;
  }

 private:
  void skip(std::string_view characters) { rest_.remove_prefix(std::min(rest_.find_first_not_of(characters), size())); }
  void skip_separators() { skip(" \t,"); }
  std::size_t size() const { return rest_.size(); }

  std::string take(std::size_t count) {
    std::string text(rest_.substr(0, count));
    rest_.remove_prefix(text.size());
    return text;
  }

  /// A token at the start of what is left; 0 when there is none.
  std::size_t token_bytes() const {
    std::size_t count = 0;
    while (count < rest_.size() && is_token(rest_.substr(count, 1))) ++count;
    return count;
  }

  Result<Challenge> challenge() {
    Challenge read;
    auto bytes = token_bytes();
    if (bytes == 0) return malformed();
    read.scheme = lower_case(take(bytes));
    if (!rest_.empty() && kBlanks.find(rest_[0]) == kBlanks.npos && rest_[0] != ',') return malformed();
    skip(kBlanks);
    if (auto count = token68_bytes(); count > 0) {
      read.token68 = take(count);
      return read;
    }
    for (skip_separators(); at_parameter(); skip_separators()) TRY(parameter(read));
    return read;
  }

  /// The other form of credentials, which ends the challenge (RFC 9110, section 11.2); 0 when a parameter follows, or
  /// another challenge.
  std::size_t token68_bytes() const {
    auto allowed = [](char c) { return is_token(std::string_view(&c, 1)) || c == '/'; };
    std::size_t count = 0;
    while (count < rest_.size() && allowed(rest_[count])) ++count;
    if (count == 0) return 0;
    while (count < rest_.size() && rest_[count] == '=') ++count;
    auto next = std::min(rest_.find_first_not_of(kBlanks, count), rest_.size());
    return next == rest_.size() || rest_[next] == ',' ? count : 0;
  }

  /// Whether a name and '=' follow. If not, what follows is another challenge.
  bool at_parameter() const {
    auto next = rest_.find_first_not_of(kBlanks, token_bytes());
    return token_bytes() > 0 && next != rest_.npos && rest_[next] == '=';
  }

  Result<> parameter(Challenge& into) {
    auto name = lower_case(take(token_bytes()));
    skip(kBlanks);
    rest_.remove_prefix(1);  // '='
    skip(kBlanks);
    auto value = rest_.starts_with('"') ? TRY(quoted()) : TRY(bare());
    if (into.parameters.size() == limits::kChallengeParameters) return malformed();
    if (!into.parameters.emplace(name, value).second) return malformed();
    skip(kBlanks);
    if (!rest_.empty() && rest_[0] != ',') return malformed();
    return {};
  }

  Result<std::string> quoted() {
    std::string value;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      char c = rest_[i];
      if (c == '"') {
        rest_.remove_prefix(i + 1);
        return value;
      }
      if (c == '\\' && ++i == rest_.size()) break;
      c = rest_[i];
      if ((static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f) break;
      value += c;
    }
    return malformed();
  }

  // Some registries write URLs without quotes, so more than a token is accepted.
  Result<std::string> bare() {
    auto value = take(std::min(rest_.find_first_of(" \t,\""), rest_.size()));
    auto printed = [](char c) { return c > ' ' && c < 0x7f; };
    if (value.empty() || !std::ranges::all_of(value, printed)) return malformed();
    return value;
  }

  std::string_view rest_;
};

}  // namespace

const std::string* Challenge::find(std::string_view name) const {
  auto it = parameters.find(std::string(name));
  return it == parameters.end() ? nullptr : &it->second;
}

Result<std::vector<Challenge>> parse_challenges(std::string_view header) {
  if (header.size() > limits::kChallengeBytes)
    return fail(ErrorCode::invalid, "the server's header WWW-Authenticate is too long");
  return Parser(header).run();
}

const Challenge* find_challenge(const std::vector<Challenge>& challenges, std::string_view scheme) {
  auto it = std::ranges::find(challenges, scheme, &Challenge::scheme);
  return it == challenges.end() ? nullptr : &*it;
}

}  // namespace banger::http
