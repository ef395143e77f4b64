#include "guest/image_rules.h"

#include <algorithm>

namespace banger::guest {

namespace {

bool is_directly_in(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() + 1 && path.starts_with(directory) && path[directory.size()] == '/' &&
         path.find('/', directory.size() + 1) == path.npos;
}

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_host_key(std::string_view path) {
  auto name = name_of(path);
  if (is_directly_in(path, "etc/dropbear")) return name.starts_with("dropbear_") && name.ends_with("_host_key");
  return is_directly_in(path, "etc/ssh") && name.starts_with("ssh_host_") &&
         (name.ends_with("_key") || name.ends_with("_key.pub") || name.ends_with("_key-cert.pub"));
}

/// Names that banger gives to files which are not whole yet: of guest::Root, and of copies.
bool is_staged(std::string_view path) {
  auto name = name_of(path);
  return name.starts_with(".banger-cp-") || (name.starts_with(".banger-") && name.ends_with(".tmp"));
}

/// Secrets and the history of one machine, made by inits and by ext4.
bool is_of_one_machine(std::string_view path) {
  static constexpr std::string_view kNames[] = {
      "etc/hostname",
      "etc/ca-certificates/trust-source/anchors/banger.pem",  // of the gate that serves the VM's secrets
      "etc/pki/ca-trust/source/anchors/banger.pem",
      "etc/pki/trust/anchors/banger.pem",
      "etc/profile.d/banger.sh",  // the VM's variables
      "etc/ssh/sshd_config.d/00-banger.conf",
      "lost+found",               // every file system gets its own
      "var/lib/banger/sessions",  // of sessions (docs/sessions.md), with what they printed
      "lost+found",               // every file system gets its own
      "root/lost+found",
      "usr/local/share/ca-certificates/banger.crt",
      "var/lib/misc/random-seed",  // of OpenRC, and below of others
      "var/lib/random-seed",
      "var/lib/systemd/credential.secret",
      "var/lib/systemd/random-seed",
      "var/lib/urandom/random-seed",
  };
  return std::ranges::find(kNames, path) != std::end(kNames) || is_directly_in(path, "var/log/journal") ||
         is_directly_in(path, "var/lib/seedrng") ||
         ((is_directly_in(path, "tmp") || is_directly_in(path, "var/tmp")) &&
          name_of(path).starts_with("systemd-private-"));
}

/// Lists of authorities that guest/trust_store.h changes.
bool is_trust_list(std::string_view path) {
  return path == "etc/ssl/certs/ca-certificates.crt" || path == "etc/ssl/ca-bundle.pem" || path == "etc/ssl/cert.pem" ||
         path == "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem" || path == "etc/pki/tls/certs/ca-bundle.crt" ||
         path == "etc/ca-certificates/extracted/tls-ca-bundle.pem";
}

}  // namespace

ImagePart image_part(std::string_view path, ObjectKind kind) {
  if (is_host_key(path) || is_staged(path) || is_of_one_machine(path)) return ImagePart::nothing;
  if (kind != ObjectKind::file) return ImagePart::whole;
  // A file there is from the host's resolvers. A symlink is from the guest's user, because a boot replaces symlinks.
  if (path == "etc/resolv.conf") return ImagePart::nothing;
  // Empty means "not yet set" (machine-id(5)).
  if (path == "etc/machine-id" || path == "var/lib/dbus/machine-id") return ImagePart::emptied;
  if (path == "etc/hosts" || path == "etc/environment" || path.ends_with("/.ssh/authorized_keys") ||
      is_trust_list(path))
    return ImagePart::without_block;
  return ImagePart::whole;
}

}  // namespace banger::guest
