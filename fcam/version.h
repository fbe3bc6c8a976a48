// The version of this project.

#ifndef FCAM_VERSION_H_
#define FCAM_VERSION_H_

namespace fcam {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace fcam

#endif  // FCAM_VERSION_H_
