// The static libssh of Debian refers to the GSSAPI, of which there is no static library. The server offers only public
// keys, so none of these is ever called.
#include <cstdint>

namespace {

constexpr std::uint32_t kUnavailable = 16u << 16;  // GSS_S_UNAVAILABLE

}  // namespace

extern "C" {

extern void* const GSS_C_NT_HOSTBASED_SERVICE;
extern void* const GSS_C_NT_USER_NAME;
void* const GSS_C_NT_HOSTBASED_SERVICE = nullptr;
void* const GSS_C_NT_USER_NAME = nullptr;

#define BANGER_NO_GSSAPI(name) \
  std::uint32_t name();        \
  std::uint32_t name() { return kUnavailable; }

BANGER_NO_GSSAPI(gss_accept_sec_context)
BANGER_NO_GSSAPI(gss_acquire_cred)
BANGER_NO_GSSAPI(gss_add_oid_set_member)
BANGER_NO_GSSAPI(gss_create_empty_oid_set)
BANGER_NO_GSSAPI(gss_display_name)
BANGER_NO_GSSAPI(gss_display_status)
BANGER_NO_GSSAPI(gss_get_mic)
BANGER_NO_GSSAPI(gss_import_name)
BANGER_NO_GSSAPI(gss_indicate_mechs)
BANGER_NO_GSSAPI(gss_init_sec_context)
BANGER_NO_GSSAPI(gss_inquire_cred)
BANGER_NO_GSSAPI(gss_inquire_cred_by_mech)
BANGER_NO_GSSAPI(gss_release_buffer)
BANGER_NO_GSSAPI(gss_release_cred)
BANGER_NO_GSSAPI(gss_release_name)
BANGER_NO_GSSAPI(gss_release_oid_set)
BANGER_NO_GSSAPI(gss_test_oid_set_member)
BANGER_NO_GSSAPI(gss_verify_mic)

}  // extern "C"
