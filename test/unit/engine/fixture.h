// A daemon's engine without a real host. Store, images, kernels and saved states are real, in a temporary directory.
// The VMM, the agents and the root helper are in memory. For the VMs, restart() is like a crash or an upgrade of the
// daemon.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/services.h"
#include "engine/vm/owner.h"
#include "support/fake_machine.h"
#include "support/fake_privileged.h"
#include "support/fake_vmms.h"
#include "support/no_gate.h"
#include "support/run.h"
#include "support/temp_dir.h"

namespace banger::test {

/// Makes the host resources of a daemon. Empty: those of all capabilities.
using MakeResources = std::function<engine::HostResources::List(store::Store& store)>;

/// Everything that ends with the daemon's process.
struct FakeDaemon {
  FakeDaemon(const host::Paths& paths, const config::Config& config, CallLog& log, FakeHost& host,
             FakePrivileged& privileged, const std::string& agent_program, const MakeResources& make_resources);

  host::Runtime runtime{1};
  Logger log{-1, LogLevel::error};
  std::unique_ptr<store::Store> store;
  host::Mutex building_image{runtime}, pulling_kernel{runtime};
  image::KernelStore kernels;
  image::ImageStore images;
  engine::PrivilegedClient no_helper;
  FakeVmms vmms;
  engine::Initramfs initramfs;
  engine::SavedStates saves;
  NoGate egress;
  engine::HostResources resources;
  engine::Services services;
};

class Fixture {
 public:
  explicit Fixture(MakeResources make_resources = {});
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  /// Ends the daemon, which loses its memory. Starts another daemon, which reads the store. Machines keep running.
  void restart();

  /// Runs the task to its end. Other coroutines stand still afterwards.
  template <class T>
  T run(Task<T> task) {
    return test::run(daemon->runtime, std::move(task));
  }
  /// The same for a task without a value. True when the task has ended.
  bool run(Task<> task) { return test::run(daemon->runtime, std::move(task)); }
  /// Runs until the VM is in that state. False when a generous deadline has passed.
  bool run_until(engine::VmOwner& vm, vm::State state);
  /// Runs until `condition` holds. False when a generous deadline has passed.
  bool run_until(std::function<bool()> condition);

  /// The spec of a small VM, whose disks are made fast.
  static vm::Spec small_spec();
  store::VmRow new_row(std::string name, const vm::Spec& spec = small_spec()) const;
  /// A VM with a record and without files.
  std::shared_ptr<engine::VmOwner> record(store::VmRow row);
  /// A VM that was made and is `stopped`.
  std::shared_ptr<engine::VmOwner> stopped(std::string name = "box");
  std::shared_ptr<engine::VmOwner> running(std::string name = "box");
  std::shared_ptr<engine::VmOwner> suspended(std::string name = "box");
  /// A running machine without a user.
  std::shared_ptr<engine::VmOwner> pooled();
  /// The VM of that name from the store, with recovery due, as after a daemon start. Null when there is none.
  std::shared_ptr<engine::VmOwner> load(const std::string& name = "box");
  std::optional<store::VmRow> row(const std::string& name = "box") const;

  Result<> start(engine::VmOwner& vm, engine::WaitFor wait = engine::WaitFor::agent);
  Result<> stop(engine::VmOwner& vm, std::chrono::milliseconds timeout);
  Result<> suspend(engine::VmOwner& vm);
  Result<engine::SavedVm> save_as(engine::VmOwner& vm, store::SaveKind kind, const std::string& name = "");

  /// A sentence about the first difference between the store and the running machines. Empty: no difference.
  std::string mismatch() const;

  TempDir directory;
  CallLog log;
  FakeHost host{log};
  FakePrivileged privileged{log};
  host::Paths paths;
  config::Config config;
  std::unique_ptr<FakeDaemon> daemon;
  engine::Stages stages{engine::Report{}};

 private:
  MakeResources make_resources_;

  void keep_files();
  void put_files_back();
  void make_image();
  void make_kernel();
  std::string guest_token(const machine::MachineConfig& config) const;
};

}  // namespace banger::test
