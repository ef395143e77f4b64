#include "roles/cli/commands.h"

#include <algorithm>

namespace banger::roles::cli {

extern const Command kVmRun, kVmCreate, kVmStart, kVmStop, kVmRestart, kVmKill, kVmDelete, kVmSet, kVmRename, kVmList,
    kVmShow, kVmStats, kVmLogs, kVmPorts, kVmForward, kVmTunnel, kVmExec, kVmShell, kVmSsh, kVmCp, kVmEgress, kVmEvents,
    kVmAcp;
extern const Command kVmWait, kVmSync, kVmSuspend, kVmResume, kVmFork, kSnapshotCreate, kSnapshotList, kSnapshotRestore,
    kSnapshotDelete, kWorkspacePrepare, kWorkspaceStatus, kWorkspaceDiff, kWorkspaceExport, kWorkspaceCompare;
extern const Command kSessionStart, kSessionList, kSessionShow, kSessionLogs, kSessionAttach, kSessionSend,
    kSessionSignal, kSessionStop, kSessionKill, kSessionDelete;
extern const Command kTemplateList, kTemplateBuild, kTemplateDelete;
extern const Command kImageList, kImageShow, kImageBuild, kImageImport, kImageExport, kImagePull, kImagePush, kImageTag,
    kImageInspect, kImagePrune, kImageDelete, kImageCatalog, kImageRegister, kImagePromote;
extern const Command kKernelList, kKernelShow, kKernelPull, kKernelImport, kKernelExport, kKernelDelete, kKernelCatalog;
extern const Command kDaemonStart, kDaemonStop, kDaemonStatus, kDaemonLogs;
extern const Command kSystemInstall, kSystemUninstall, kSystemStatus, kSystemRestart, kSystemOperations;
extern const Command kSshConfig, kDoctor, kGc, kBench, kCompletion, kRpc, kVersion, kHelp, kMan, kComplete;

namespace {

// clang-format off
constexpr const Command* kCommands[] = {
    &kVmRun, &kVmCreate, &kVmStart, &kVmStop, &kVmRestart, &kVmKill, &kVmSuspend, &kVmResume, &kVmFork, &kVmDelete,
    &kVmSet, &kVmRename, &kVmList, &kVmShow, &kVmWait, &kVmEvents, &kVmStats, &kVmLogs, &kVmPorts, &kVmEgress,
    &kVmForward, &kVmTunnel, &kVmExec, &kVmShell, &kVmSsh, &kVmCp, &kVmSync, &kVmAcp,
    &kSessionStart, &kSessionList, &kSessionShow, &kSessionLogs, &kSessionAttach, &kSessionSend, &kSessionSignal,
    &kSessionStop, &kSessionKill, &kSessionDelete,
    &kSnapshotCreate, &kSnapshotList, &kSnapshotRestore, &kSnapshotDelete,
    &kWorkspacePrepare, &kWorkspaceStatus, &kWorkspaceDiff, &kWorkspaceExport, &kWorkspaceCompare,
    &kTemplateList, &kTemplateBuild, &kTemplateDelete,
    &kImageList, &kImageCatalog, &kImageShow, &kImageBuild, &kImagePull, &kImagePush, &kImageImport, &kImageExport,
    &kImageRegister, &kImagePromote, &kImageTag, &kImageInspect, &kImagePrune, &kImageDelete,
    &kKernelList, &kKernelCatalog, &kKernelShow, &kKernelPull, &kKernelImport, &kKernelExport, &kKernelDelete,
    &kDaemonStart, &kDaemonStop, &kDaemonStatus, &kDaemonLogs,
    &kSystemInstall, &kSystemStatus, &kSystemRestart, &kSystemUninstall, &kSystemOperations,
    &kSshConfig, &kDoctor, &kGc, &kBench, &kCompletion, &kRpc, &kVersion, &kHelp, &kMan, &kComplete,
};
// clang-format on

constexpr Group kGroups[] = {
    {"vm", "create and use virtual machines"},
    {"vm session", "commands in a VM that outlive their clients"},
    {"vm snapshot", "save the state of VMs and return to it"},
    {"vm workspace", "bring a git checkout into a VM, and its changes back"},
    {"template", "saved guests that new VMs are cloned from"},
    {"image", "what VMs boot from"},
    {"kernel", "the kernels that images boot with"},
    {"daemon", "the background process that owns the VMs"},
    {"system", "the daemon and the root helper as system services"},
};

constexpr Option kCommon[] = {
    {.name = "help", .letter = 'h', .help = "show this help"},
    {.name = "verbose",
     .letter = 'v',
     .help = "after an error, also print its causes and its code; also before the command"},
};

}  // namespace

std::span<const Command* const> all_commands() { return kCommands; }
std::span<const Group> all_groups() { return kGroups; }
std::span<const Option> common_options() { return kCommon; }

const Group* find_group(std::string_view name) {
  auto it = std::ranges::find(kGroups, name, &Group::name);
  return it == std::end(kGroups) ? nullptr : it;
}

std::string_view Group::parent() const {
  auto at = name.rfind(' ');
  return at == name.npos ? std::string_view() : name.substr(0, at);
}

std::string_view Group::last_word() const { return name.substr(name.rfind(' ') + 1); }

GroupPath find_group_path(std::span<const std::string> words) {
  GroupPath path;
  for (std::string name; path.words < words.size(); ++path.words) {
    name += (name.empty() ? "" : " ") + words[path.words];
    const Group* deeper = find_group(name);
    if (!deeper) break;
    path.group = deeper;
  }
  return path;
}

const Command* find_command(std::string_view group, std::string_view name) {
  for (const Command* command : kCommands)
    if (command->group == group &&
        (command->name == name || std::ranges::find(command->aliases, name) != command->aliases.end()))
      return command;
  return nullptr;
}

std::vector<std::string> command_names(std::string_view group) {
  std::vector<std::string> names;
  for (const auto& each : kGroups)
    if (each.parent() == group) names.emplace_back(each.last_word());
  for (const Command* command : kCommands) {
    if (command->group != group || command->hidden) continue;
    names.emplace_back(command->name);
    names.insert(names.end(), command->aliases.begin(), command->aliases.end());
  }
  return names;
}

std::string full_name(const Command& command) {
  return command.group.empty() ? std::string(command.name)
                               : std::string(command.group) + " " + std::string(command.name);
}

}  // namespace banger::roles::cli
