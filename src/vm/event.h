// What can happen to a VM, for clients that follow it.
#pragma once

#include "base/words.h"

namespace banger::vm {

enum class Event {
  current,  ///< nothing: the VM's state when a client begins to follow
  created,
  starting,
  running,  ///< the agent has answered
  resumed,  ///< the same, for a VM that goes on where it was suspended
  ready,    ///< the guest has booted
  stopping,
  stopped,
  suspending,
  suspended,
  restoring,
  restored,
  forked,  ///< the VM is a child of another VM
  renamed,
  changed,
  paused,   ///< the VMM has paused the guest
  goes_on,  ///< the guest runs again after such a pause
  silent,   ///< the guest has stopped answering
  answers,  ///< the guest answers again after such a silence
  refused,  ///< the guest tried to reach something that its egress policy does not allow
  deleted,
  missed,  ///< the client was too slow, and events were dropped
};
inline constexpr Word<Event> kEventWords[] = {
    {Event::current, "current"},     {Event::created, "created"},     {Event::starting, "starting"},
    {Event::running, "running"},     {Event::resumed, "resumed"},     {Event::ready, "ready"},
    {Event::stopping, "stopping"},   {Event::stopped, "stopped"},     {Event::suspending, "suspending"},
    {Event::suspended, "suspended"}, {Event::restoring, "restoring"}, {Event::restored, "restored"},
    {Event::forked, "forked"},       {Event::renamed, "renamed"},     {Event::changed, "changed"},
    {Event::paused, "paused"},       {Event::goes_on, "goes_on"},     {Event::silent, "silent"},
    {Event::answers, "answers"},     {Event::refused, "refused"},     {Event::deleted, "deleted"},
    {Event::missed, "missed"}};
constexpr std::string_view to_string(Event event) { return word_of(kEventWords, event); }

}  // namespace banger::vm
