// Guest config to JSON. Fields with their default value are omitted, so that documents stay readable.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "guestcfg/guest_config.h"
#include "guestcfg/names.h"

namespace banger::guestcfg {

namespace {

Json disk_json(const Disk& disk) {
  Json json = {
      {"serial", disk.serial}, {"index", disk.index}, {"role", name_of(kDiskRoles, disk.role)}, {"grow", disk.grow}};
  if (disk.size_bytes != 0) json["size_bytes"] = disk.size_bytes;
  return json;
}

Json mount_json(const Mount& mount) {
  return {{"source", mount.source}, {"target", mount.target}, {"type", mount.type}, {"options", mount.options}};
}

Json interface_json(const Interface& interface) {
  Json json = {{"mac", interface.mac},
               {"index", interface.index},
               {"address", interface.address},
               {"gateway", interface.gateway},
               {"dns", interface.dns}};
  if (!interface.search.empty()) json["search"] = interface.search;
  if (!interface.unreachable.empty()) json["unreachable"] = interface.unreachable;
  if (interface.mtu != 0) json["mtu"] = interface.mtu;
  return json;
}

Json file_json(const File& file, std::size_t index, Contents contents) {
  Json json = {{"path", file.path}, {"mode", fmt::format("{:04o}", file.mode)}, {"uid", file.uid}, {"gid", file.gid}};
  if (contents == Contents::separate)
    json["payload"] = index;
  else
    json["data"] = to_base64(file.data);
  return json;
}

Json unit_json(const Unit& unit) { return {{"name", unit.name}, {"action", name_of(kUnitActions, unit.action)}}; }

template <class T, class F>
void add_list(Json& to, const char* key, const std::vector<T>& items, F encode) {
  if (items.empty()) return;
  Json list = Json::array();
  for (const T& item : items) list.push_back(encode(item));
  to[key] = std::move(list);
}

void add_text(Json& to, const char* key, const std::string& text) {
  if (!text.empty()) to[key] = text;
}

}  // namespace

Json to_json(const GuestConfig& config, Contents contents) {
  Json json = Json::object();
  add_text(json, "hostname", config.hostname);
  if (!config.hosts.empty()) json["hosts"] = config.hosts;
  add_list(json, "disks", config.disks, disk_json);
  add_list(json, "mounts", config.mounts, mount_json);
  add_list(json, "interfaces", config.interfaces, interface_json);
  std::size_t index = 0;
  add_list(json, "files", config.files, [&](const File& file) { return file_json(file, index++, contents); });
  add_list(json, "keys", config.keys,
           [](const UserKeys& keys) { return Json{{"user", keys.user}, {"keys", keys.keys}}; });
  if (!config.environment.empty()) json["environment"] = config.environment;
  if (!config.image.empty()) json["image"] = to_json(config.image);
  add_list(json, "units", config.units, unit_json);
  if (!config.run_once.empty()) json["run_once"] = config.run_once;
  add_text(json, "link_token", config.link_token);
  add_text(json, "entropy", config.entropy);
  if (config.clock_unix_ns != 0) json["clock_unix_ns"] = config.clock_unix_ns;
  add_text(json, "machine_id", config.machine_id);
  add_text(json, "authority", config.authority);
  if (config.ssh_host_key)
    json["ssh_host_key"] = {{"private", config.ssh_host_key->private_key}, {"public", config.ssh_host_key->public_key}};
  if (config.pids != 0) json["pids"] = config.pids;
  if (config.first_start) json["first_start"] = true;
  return json;
}

}  // namespace banger::guestcfg
