// What pulls and pushes of images need: the network, the owner's logins, and the config.
#pragma once

#include "config/config.h"
#include "host/paths.h"
#include "http/client.h"
#include "image/oci/puller.h"
#include "image/oci/pusher.h"

namespace banger::roles::daemon {

/// Does not move: the members refer to each other.
struct Pulls {
  Pulls(host::Runtime& runtime, image::ImageStore& images, const host::Paths& paths, const config::Config& config);
  Pulls(const Pulls&) = delete;
  Pulls& operator=(const Pulls&) = delete;

  http::Client client;
  image::oci::NetworkTransport transport;
  image::oci::Puller puller;
  image::oci::Pusher pusher;
};

}  // namespace banger::roles::daemon
