// A CA and certificates that it signs, made when a test runs.
#pragma once

#include <memory>
#include <string>

#include "server.h"
#include "support/temp_dir.h"

struct evp_pkey_st;
struct x509_st;

namespace banger::test {

struct Leaf {
  std::string names = "DNS:localhost,IP:127.0.0.1";  ///< subject alternative names, as OpenSSL writes them
  int from_days = -1, to_days = 1;                   ///< of validity, from today on
  bool self_signed = false;
};

class Authority {
 public:
  explicit Authority(const TempDir& dir, std::string name = "ca");
  /// The path of the CA's certificate, PEM.
  std::string certificate() const { return dir_ / (name_ + ".pem"); }
  /// Signs a certificate and writes it with its key into the directory, as NAME.cert and NAME.key.
  ServerTls sign(const std::string& name, const Leaf& leaf = {}) const;

 private:
  const TempDir& dir_;
  std::string name_;
  std::shared_ptr<evp_pkey_st> key_;
  std::shared_ptr<x509_st> own_;
};

}  // namespace banger::test
