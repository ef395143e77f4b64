// The objects that all parts of the engine share, as borrowed references. The composition root (daemon.cc) makes them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/log.h"
#include "capabilities/egress_gate.h"
#include "config/config.h"
#include "engine/events/event_log.h"
#include "engine/initramfs.h"
#include "engine/privileged_client.h"
#include "engine/resources.h"
#include "engine/saved/saved_states.h"
#include "engine/secrets/secrets.h"
#include "engine/vmm_choice.h"
#include "host/paths.h"
#include "host/runtime.h"
#include "http/proxy.h"
#include "image/catalog/puller.h"
#include "image/kernel/store.h"
#include "image/oci/puller.h"
#include "image/oci/pusher.h"
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
  SavedStates& saves;
  PrivilegedClient& privileged;      ///< runs operations that need root
  HostResources& resources;          ///< taps, jails and block devices of VMs
  capabilities::EgressGate& egress;  ///< what guests with an egress policy reach
  vm::HostSize host_size;
  http::ProxySettings proxy = {};  ///< of this host, for guests that use them; empty: none do
  bool system_install = false;     ///< this daemon is the service of a system install
  host::Mutex& building_image;     ///< one build at a time
  host::Mutex& pulling_kernel;
  image::oci::Puller* puller = nullptr;              ///< null where nothing is pulled: in tests
  image::oci::Pusher* pusher = nullptr;              ///< likewise
  image::catalog::CatalogPuller* catalog = nullptr;  ///< likewise
  Secrets* secrets = nullptr;                        ///< null where no VM has secrets: in tests
  EventLog* events = nullptr;                        ///< null where nobody follows VMs: in tests
  /// VmManager sets it: HostMemory::make_room(). Null without a VmManager.
  std::function<Task<Result<>>(std::uint64_t memory_bytes)> make_room = {};
};

/// Called with the stages of long work: name, detail, percent (-1: unknown).
using Report = std::function<void(std::string_view stage, std::string_view detail, int percent)>;

}  // namespace banger::engine
