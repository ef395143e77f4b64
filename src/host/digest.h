// Digests of bytes that arrive in pieces. src/host/files.h has SHA-256 for whole files.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;
struct evp_md_st;

namespace banger::host {

/// Moves, never copies.
class Digest {
 public:
  Digest(Digest&&) noexcept = default;
  Digest& operator=(Digest&&) noexcept = default;

  void add(std::string_view bytes);
  /// The digest of all bytes so far, lower-case hex. Nothing may be added afterwards.
  std::string finish();

 protected:
  explicit Digest(const evp_md_st* kind);

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

class Sha256 : public Digest {
 public:
  Sha256();
};

/// Only for names that git has given; it protects nothing.
class Sha1 : public Digest {
 public:
  Sha1();
};

}  // namespace banger::host
