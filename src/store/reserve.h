// Room on the disk for the store's own changes. VMs that filled the disk can be stopped and deleted only if the store
// can record that. So a file keeps some room, and the store gives that file up when the disk is full.
#pragma once

#include <string>

namespace banger::store {

class Reserve {
 public:
  explicit Reserve(std::string path) : path_(std::move(path)) {}

  /// Makes the file, unless the file exists or the disk is nearly full. A failure is no error: without a reserve only
  /// the way out of a full disk is missing.
  void keep() const;
  /// Gives the room to whoever writes next. False when there was no reserve.
  bool give_up() const;

 private:
  std::string path_;
};

}  // namespace banger::store
