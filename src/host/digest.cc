#include "host/digest.h"

#include <openssl/evp.h>

#include "base/text.h"

namespace banger::host {

void Digest::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Digest::Digest(const evp_md_st* kind) : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_.get(), kind, nullptr); }

void Digest::add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }

std::string Digest::finish() {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_DigestFinal_ex(context_.get(), hash, &length);
  return to_hex({reinterpret_cast<const char*>(hash), length});
}

Sha256::Sha256() : Digest(EVP_sha256()) {}

Sha1::Sha1() : Digest(EVP_sha1()) {}

}  // namespace banger::host
