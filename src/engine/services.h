// What the parts of the daemon share: borrowed references, made once by the composition root (daemon.cc).
#pragma once

#include <string>

#include "base/log.h"
#include "config/config.h"
#include "engine/initramfs.h"
#include "engine/privileged_client.h"
#include "engine/resources.h"
#include "engine/saved/saves.h"
#include "engine/vmm_choice.h"
#include "host/paths.h"
#include "host/runtime.h"
#include "image/kernel/store.h"
#include "image/store.h"
#include "store/store.h"
#include "vm/spec.h"

namespace banger::engine {

struct Services {
  host::Runtime& runtime;
  const Logger& log;
  const host::Paths& paths;
  const config::Config& config;
  store::Store& store;
  image::KernelStore& kernels;
  image::ImageStore& images;
  VmmChoice& vmms;
  Initramfs& initramfs;
  Saves& saves;
  PrivilegedClient& privileged;  ///< what needs root
  HostResources& resources;      ///< what VMs hold of this host
  vm::HostSize host_size;
  host::Mutex& building_image;  ///< one build at a time
  host::Mutex& pulling_kernel;
};

/// Told of the stages of long work: name, detail, percent (-1 unknown).
using Report = std::function<void(std::string_view stage, std::string_view detail, int percent)>;

}  // namespace banger::engine
