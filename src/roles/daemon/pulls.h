// What pulls and pushes of images need: the network, the owner's logins, the catalog, and the config.
#pragma once

#include "config/config.h"
#include "host/paths.h"
#include "http/client.h"
#include "image/catalog/puller.h"
#include "image/oci/puller.h"
#include "image/oci/pusher.h"

namespace banger::roles::daemon {

/// Does not move: the members refer to each other.
struct Pulls {
  /// The stores and the locks of everybody who makes images and kernels.
  struct Stores {
    image::ImageStore& images;
    image::KernelStore& kernels;
    host::Mutex& building_image;
    host::Mutex& pulling_kernel;
  };
  Pulls(host::Runtime& runtime, Stores stores, const host::Paths& paths, const config::Config& config);
  Pulls(const Pulls&) = delete;
  Pulls& operator=(const Pulls&) = delete;

  http::Client client;
  image::oci::NetworkTransport transport;
  image::oci::Puller puller;
  image::oci::Pusher pusher;
  image::catalog::CatalogPuller catalog;
};

}  // namespace banger::roles::daemon
