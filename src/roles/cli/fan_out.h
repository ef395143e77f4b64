// Many calls at the same time over one connection: one call for each VM, snapshot or template.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "api/object.h"
#include "api/objects/vm.h"
#include "roles/cli/command.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

inline constexpr Option kResultsOption{.name = "json", .help = "print a JSON array of the results"};
inline constexpr Option kResultsOptions[] = {kResultsOption};

/// The method, and the parameter that gets the command's positional.
struct Calls {
  std::string_view method;
  std::string_view key = "vm";
};

/// What is printed of one result: "NAME: TEXT".
struct ResultLine {
  std::string name;  ///< empty: the positional
  std::string text;
};
using Describe = std::function<Result<ResultLine>(const Json& result)>;

/// Makes one call of `method` for each name, many at the same time. `done` gets each outcome as it arrives, and ends
/// the whole with an error. Errors of the connection are returned too.
using Arrived = std::function<Result<>(const std::string& name, Result<Json> outcome)>;
/// Gets each warning of a call that goes on.
using Warned = std::function<void(const std::string& name, const std::string& warning)>;
Result<> call_all(Daemon& daemon, const Calls& calls, const std::vector<std::string>& names, const Json& params,
                  const Arrived& done, const Warned& warned = {});
/// The names without repetitions.
std::vector<std::string> each_once(const std::vector<std::string>& names);

/// Makes one call for each of the command's positionals, and only one for a repeated positional. All calls have the
/// same `params`. A failure does not stop the other calls. Every positional gets a line, on standard output or as an
/// error; with --json the results are an array. The status is kFailed if any call failed.
Result<int> call_each(Context& context, const Calls& calls, const Json& params, const Describe& describe);

/// The same, with results that are objects of src/api. `text_of` returns the text of an object.
template <api::Described T, class TextOf>
Result<int> fan_out(Context& context, const Calls& calls, const Json& params, TextOf text_of) {
  return call_each(context, calls, params, [&](const Json& result) -> Result<ResultLine> {
    auto object = TRY(api::read<T>(result));
    if constexpr (requires { object.name; })
      return ResultLine{object.name, text_of(object)};
    else
      return ResultLine{{}, text_of(object)};
  });
}

/// For methods that change VMs: the named ones, or with --all the VMs that are in one of the states `all`. The text is
/// the new state. A VM whose machine was killed because its guest did not shut down also gets a line on standard error.
Result<int> change_vms(Context& context, std::string_view method, std::initializer_list<vm::State> all,
                       const Json& params);
Result<int> change_vms(Context& context, std::string_view method, std::initializer_list<vm::State> all);
/// The VMs of this owner. The connection ends before the return.
Result<std::vector<api::VmObject>> all_vms(Io& io);

/// For methods that delete things. `T` is the result of the method.
template <api::Described T>
Result<int> delete_each(Context& context, const Calls& calls, const Json& params) {
  return fan_out<T>(context, calls, params, [](const T&) { return std::string("deleted"); });
}

}  // namespace banger::roles::cli
