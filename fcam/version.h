// The version of this project.

#ifndef FCAM_VERSION_H_
#define FCAM_VERSION_H_

#include "vision/base/version.h"

namespace fcam {

using ::vision::kVersion;

}  // namespace fcam

#endif  // FCAM_VERSION_H_
