// Whether something that is written must survive a power cut.
#pragma once

namespace banger {

enum class Durable {
  no,   ///< survives the end of this process
  yes,  ///< survives the end of this machine as well
};

}  // namespace banger
