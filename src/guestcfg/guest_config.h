// What the guest must look like, as plain data. The host builds it (capabilities add their parts), the agent applies
// it. Pure values: no I/O here.
//
// At boot, a cpio (newc) archive carries it, concatenated to the agent's initramfs. The archive has
// `banger/config.json` (everything but file contents) and one payload per file, `banger/files/N`. For `POST /configure`
// and `banger-agent apply` the same JSON carries the contents inline, base64 in "data". docs/guest-config.md lists the
// fields.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "guestcfg/run_config.h"

namespace banger::guestcfg {

/// The vsock port on which the agent listens when the guest has no virtio-serial port. Below 1024, so that only root in
/// the guest can use it.
inline constexpr std::uint32_t kAgentVsockPort = 867;

struct File {
  std::string path;  ///< absolute inside the guest; parents are made 0755 root
  std::uint32_t mode = 0644;
  std::uint32_t uid = 0, gid = 0;
  std::string data;
};

/// A block device found by `serial`, mounted before files are written.
struct Disk {
  std::string serial;       ///< virtio serial, at most 20 bytes
  std::uint32_t index = 0;  ///< position among the virtio disks, where the VMM cannot set serials (Firecracker)
  enum class Role { rootfs, system, work, modules } role = Role::rootfs;
  bool grow = false;             ///< the file system is grown online to the device's size
  std::uint64_t size_bytes = 0;  ///< the device's size, once a running guest sees it; 0: not known
};

struct Mount {
  std::string source, target, type, options;
};

struct Interface {
  std::string mac;      ///< lower case, colon separated; the guest finds the device by it
  std::string address;  ///< CIDR, "10.0.2.15/24"; empty: left down
  std::string gateway;
  std::vector<std::string> dns;  ///< resolver addresses, written to /etc/resolv.conf
  std::uint32_t index = 0;       ///< position among the virtio links, because no link of a new clone has the MAC yet
  std::vector<std::string> search = {};       ///< domains of short names, written to /etc/resolv.conf
  std::vector<std::string> unreachable = {};  ///< CIDR; networks to which the guest sends nothing
  std::uint32_t mtu = 0;                      ///< bytes of the largest packet; 0: 1500, as Ethernet has
  bool operator==(const Interface&) const = default;
};

struct UserKeys {
  std::string user;               ///< "root"
  std::vector<std::string> keys;  ///< authorized_keys lines
  bool operator==(const UserKeys&) const = default;
};

struct Unit {
  std::string name;
  enum class Action { mask, enable } action = Action::mask;
};

/// The sshd's own key pair, as ssh-keygen(1) writes the files.
struct SshHostKey {
  std::string private_key, public_key;
};

struct GuestConfig {
  std::string hostname;
  std::map<std::string, std::vector<std::string>> hosts;  ///< address → names, added to /etc/hosts
  std::vector<Disk> disks;
  std::vector<Mount> mounts;
  std::vector<Interface> interfaces;
  std::vector<File> files;
  std::vector<UserKeys> keys;
  std::map<std::string, std::string> environment;  ///< for every exec and login
  RunConfig image;                                 ///< how the image's programs run; its variables are in environment
  std::vector<Unit> units;                         ///< systemd units; other inits ignore them
  std::vector<std::vector<std::string>> run_once;  ///< argv lists, in order, on the first start only
  std::string link_token;                          ///< 16 random bytes as hex, which open the link (link/sync.h)
  std::string entropy;                             ///< 64 random bytes as hex, credited to the guest's pool
  std::int64_t clock_unix_ns = 0;                  ///< host wall clock when written; 0: do not set the clock
  std::string machine_id;                          ///< 32 hex digits; empty: keep the guest's
  std::string authority;                           ///< PEM of a CA that the guest trusts; empty: none of banger's
  std::optional<SshHostKey> ssh_host_key;          ///< the only host key that the guest's sshd uses
  std::uint32_t pids = 0;    ///< processes and threads of one command, session or login; 0: the agent decides
  bool first_start = false;  ///< only in live configs: nothing has run as this VM yet, so run_once is due
};

enum class Contents { inline_data, separate };

/// With Contents::separate, files have "payload": N instead of "data".
Json to_json(const GuestConfig& config, Contents contents);

/// Decodes and validates (absolute paths without "..", modes, MACs, addresses, sizes within limits::kGuestConfigBytes).
/// `payloads` holds the separate contents by index. `invalid` names the field.
Result<GuestConfig> from_json(const Json& json, const std::vector<std::string>& payloads = {});

}  // namespace banger::guestcfg
