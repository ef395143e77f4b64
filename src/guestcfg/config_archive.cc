#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "guestcfg/cpio.h"

namespace banger::guestcfg {

std::string config_archive(const GuestConfig& config) {
  CpioWriter cpio;
  // Readable by root alone, because the archive holds the link token and the entropy.
  cpio.directory("banger", 0700);
  cpio.file("banger/config.json", dump_json(to_json(config, Contents::separate)), 0600);
  cpio.directory("banger/files", 0700);
  for (std::size_t i = 0; i < config.files.size(); ++i)
    cpio.file(fmt::format("banger/files/{}", i), config.files[i].data, 0600);
  return std::move(cpio).finish();
}

}  // namespace banger::guestcfg
