// A client of one repository in a registry: what a tag means, documents, blobs. Logs in when the registry asks for it.
// Source: OCI distribution specification 1.1.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "image/oci/access.h"
#include "image/oci/credentials.h"
#include "image/oci/manifest.h"
#include "image/oci/registry_error.h"
#include "image/oci/token.h"
#include "image/oci/transport.h"

namespace banger::image::oci {

/// Tokens by repository and login, kept between pulls. A login that changes or goes away leaves its tokens unused.
/// Never written to disk.
class TokenCache {
 public:
  /// Whether some login has a token, maybe an expired one.
  bool has(const std::string& repository) const;
  /// "" when there is none for this login, or an expired one.
  std::string authorization(const std::string& repository, const Login& login) const;
  void put(const std::string& repository, const Login& login, Token token);

 private:
  std::map<std::pair<std::string, std::string>, Token> tokens_;  ///< by repository and the hash of a login
};

/// What all pulls share. Borrowed, and must outlive them.
struct RegistryParts {
  host::Runtime& runtime;
  Transport& transport;
  const CredentialSources& credentials;
  const InsecureRegistries& insecure;
  TokenCache& tokens;
};

struct FetchedDocument {
  std::string content_type, body;
  Digest digest;  ///< of the body
};

/// The bytes of a blob that is stored: a text, or a part of a file.
struct BlobContent {
  std::string text = {};
  std::optional<http::FileBody> file = std::nullopt;  ///< in place of `text`
};

/// How a registry got a blob: its bytes were sent, or another repository of the registry had them.
enum class Given { sent, mounted };

/// Errors are sentences; those of statuses are in registry_error.h. Several coroutines may use one object at once.
class Registry {
 public:
  Registry(RegistryParts parts, Reference reference, host::Cancel& cancel);

  /// The digest of the document that the reference means now. Sends nothing when the reference has a digest.
  Task<Result<Digest>> resolve();
  /// A document by its digest. `corrupt` when the registry sends another one.
  Task<Result<FetchedDocument>> document(Digest digest);
  /// A small blob, checked against size and digest.
  Task<Result<std::string>> blob(Descriptor descriptor, std::string what);
  /// Streams a blob into the receiver of `download`, from its offset, until `cancel` is requested. The caller checks
  /// the digest.
  Task<Result<>> download(Descriptor descriptor, http::Download download, host::Cancel& cancel);

  // Pushes: registry_push.cc.

  /// Whether the repository has the blob.
  Task<Result<bool>> has_blob(Digest digest);
  /// Stores a blob in one piece. Starts again when the upload breaks. `sent` gets the bytes sent so far. With
  /// `mount_from`, a repository of the same registry, the registry may take the blob from there instead.
  Task<Result<Given>> put_blob(Descriptor descriptor, BlobContent content, std::string mount_from,
                               std::function<void(std::uint64_t)> sent);
  /// Stores a manifest under the reference's tag.
  Task<Result<>> put_manifest(std::string body, std::string media_type);

 private:
  Task<Result<http::Url>> begin_upload(const Descriptor& descriptor, const std::string& mount_from, bool& mounted);
  Task<Result<Given>> upload(const Descriptor& descriptor, const BlobContent& content, const std::string& mount_from,
                             const std::function<void(std::uint64_t)>& sent);
  Task<Result<FetchedDocument>> fetch_document(std::string version);
  Task<Result<http::Request>> request_for(std::string path);
  Task<Result<http::Url>> find_base();
  /// Sends a request, logs in once if that is required, and sends the request again.
  Task<Result<http::Response>> ask(http::Request request, const http::Download* download);
  /// Follows redirects to servers that check_server() allows.
  Task<Result<http::Response>> follow(http::Request request, const http::Download* download);
  /// Looks for the login once. REQUIRES: logging_in_ is locked.
  Task<Result<>> read_login();
  /// The authorization that this login got in an earlier request, or "".
  Task<Result<std::string>> known_authorization();
  /// A new authorization, which may expire soon. `used`: the one that the registry refused with `response`.
  Task<Result<std::string>> log_in(http::Response response, std::string used);
  Task<Result<Token>> fetch_token(http::Challenge challenge);
  /// Sends one request, or begins one download, with the limit that the registry's own place sets for other servers.
  Task<Result<http::Response>> transfer(http::Request request, const http::Download* download);
  Refusal refusal(std::string what) const;

  RegistryParts parts_;
  Reference reference_;
  host::Cancel& cancel_;
  host::Mutex logging_in_, finding_base_;
  std::optional<http::Url> base_;
  http::Within leads_ = http::Within::anywhere;  ///< where the registry may lead, from its first response on
  std::optional<Login> login_;                   ///< looked for at the first challenge, or when there is a token
};

}  // namespace banger::image::oci
