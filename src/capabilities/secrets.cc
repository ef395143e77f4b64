// What a guest with secrets has: a placeholder in each variable, and the certificate of the owner's authority. Further
// variables are for programs that do not look for the guest's own list of authorities.
#include "capabilities/capability.h"
#include "guest/root.h"
#include "guest/trust_store.h"
#include "guestcfg/environment.h"
#include "vm/secret.h"

namespace banger::capabilities {

namespace {

// Some programs bring their own list of authorities, or look for hashed names in a directory. These are OpenSSL and
// what uses it, requests of Python with pip, and Node.
constexpr std::pair<const char*, const char*> kVariables[] = {{"SSL_CERT_FILE", guest::kAuthoritiesPath},
                                                              {"REQUESTS_CA_BUNDLE", guest::kAuthoritiesPath},
                                                              {"NODE_EXTRA_CA_CERTS", guest::kAuthorityPath}};

// A variable of the image gives way to a secret. A list of authorities that the image or the user names stays, and gets
// the certificate as well.
Result<> add_to_guest(const VmContext& vm, guestcfg::GuestConfig& config) {
  if (vm.spec.secrets.empty()) return {};
  for (const auto& secret : vm.spec.secrets) config.environment[secret.name] = vm::placeholder(secret.name);
  config.authority = vm.authority;
  if (!vm.authority.empty())
    for (const auto& [name, value] : kVariables) config.environment.emplace(name, value);
  return in("the variables of the image, the VM and its secrets together",
            guestcfg::check_environment(config.environment));
}

Result<> apply(GuestTarget& target, const guestcfg::GuestConfig& config) {
  auto root = TRY(guest::Root::open(target.root, target.changes));
  return guest::set_authority(root, config.authority, config.environment);
}

}  // namespace

extern const Capability secrets;
constinit const Capability secrets = {.name = "secrets", .guest = add_to_guest, .apply = apply};

}  // namespace banger::capabilities
