// Header fields of a request or a response, in order. Names are compared without regard to case.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace banger::http {

class Headers {
 public:
  using Field = std::pair<std::string, std::string>;  ///< name and value

  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  /// Replaces all fields of that name.
  void set(std::string name, std::string value);
  void remove(std::string_view name);
  /// The first value of that name, or null.
  const std::string* find(std::string_view name) const;
  /// The first value of that name, or "".
  std::string get(std::string_view name) const;
  /// All values of that name, in order.
  std::vector<std::string> all(std::string_view name) const;
  const std::vector<Field>& fields() const { return fields_; }

 private:
  std::vector<Field> fields_;
};

/// The text with its ASCII letters in lower case.
std::string lower_case(std::string_view text);

/// Whether two names are equal without regard to the case of ASCII letters.
bool same_name(std::string_view one, std::string_view other);

/// Whether the text is a token (RFC 9110, section 5.6.2): a method, the name of a header, a scheme.
bool is_token(std::string_view text);

/// `invalid` when a name is no token, or when a value has a line break or another control character. Such a field could
/// end the head and begin another request.
Result<> check(const Headers& headers);

}  // namespace banger::http
