#include "egress/http2_relay.h"

#include "egress/http2_core.h"

namespace banger::egress {

Http2Relay::Http2Relay(Http2Hook hook) : core_(std::make_unique<Http2Core>(std::move(hook))) {}
Http2Relay::~Http2Relay() = default;

void Http2Relay::feed_guest(std::string_view bytes, Instant now) { core_->feed(Http2End::guest, bytes, now); }
void Http2Relay::feed_outside(std::string_view bytes, Instant now) { core_->feed(Http2End::outside, bytes, now); }
void Http2Relay::end_guest() { core_->end(Http2End::guest); }
void Http2Relay::end_outside() { core_->end(Http2End::outside); }
std::string Http2Relay::take_for_guest() { return core_->take(Http2End::guest); }
std::string Http2Relay::take_for_outside() { return core_->take(Http2End::outside); }
bool Http2Relay::wants_guest() const { return core_->wants(Http2End::guest); }
bool Http2Relay::wants_outside() const { return core_->wants(Http2End::outside); }
bool Http2Relay::over() const { return core_->over(); }
const std::string& Http2Relay::fault() const { return core_->fault(); }
std::size_t Http2Relay::streams() const { return core_->streams(); }

}  // namespace banger::egress
