// The version of this project.

#ifndef VISION_BASE_VERSION_H_
#define VISION_BASE_VERSION_H_

namespace vision {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace vision

#endif  // VISION_BASE_VERSION_H_
