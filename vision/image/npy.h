// NumPy's .npy files of one map or image, in and out.
//
//   VISION_ASSIGN_OR_RETURN(const cv::Mat map, vision::ReadNpy("cam.npy"));
//   VISION_RETURN_IF_ERROR(vision::WriteNpy("copy.npy", map,
//                                           vision::NpyDtype::kFloat16));
//
// Format: NumPy Enhancement Proposal 1, versions 1.0, 2.0 and 3.0. What
// np.save writes for other arrays (complex numbers, Python objects, structures,
// big-endian numbers, other ranks) is refused with the reason.

#ifndef VISION_IMAGE_NPY_H_
#define VISION_IMAGE_NPY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"

namespace vision {

// Element types of a file: "<f2", "<f4", "<f8", "|u1", "<u2".
enum class NpyDtype { kFloat16, kFloat32, kFloat64, kUint8, kUint16 };

// "float16", "float32", "float64", "uint8", "uint16".
absl::string_view NpyDtypeName(NpyDtype dtype);

// The array of a .npy file's bytes; `name` stands for it in messages. Returns a
// continuous matrix [height, width], at least one pixel:
//   float16, float32 -> CV_32FC1 (exact, NaN and infinities too)
//   float64          -> CV_64FC1
//   uint8            -> CV_8UC1
//   uint16           -> CV_16UC1
// The array is [height, width] or [1, height, width], in C or Fortran order.
// Numbers are not checked. Errors: kDataLoss if the bytes are no .npy file, the
// header is damaged, or there are fewer or more bytes than the shape asks for
// (a file that is still being written); kInvalidArgument for a sound file of
// another dtype, rank or size. Memory: that of the matrix, which is never more
// than twice the file; nothing is allocated on a header's word alone.
absl::StatusOr<cv::Mat> ParseNpy(absl::string_view bytes,
                                 absl::string_view name);

// The same from a file, whose path is the name; errors of reading it besides
// (kNotFound, ...).
absl::StatusOr<cv::Mat> ReadNpy(const std::string& path);

// The bytes that np.save writes for [height, width] (version 1.0, C order, data
// at a multiple of 64). CV_32FC1 and CV_64FC1 go to any of the float types,
// rounded to the nearest; CV_8UC1 and CV_16UC1 only to their own.
// kInvalidArgument for other types and combinations, and empty matrices.
absl::StatusOr<std::string> EncodeNpy(const cv::Mat& array, NpyDtype dtype);

// EncodeNpy to a file that is replaced as a whole or not at all (see
// WriteFileAtomically in vision/base/file_io.h, whose errors it returns).
absl::Status WriteNpy(const std::string& path, const cv::Mat& array,
                      NpyDtype dtype);

}  // namespace vision

#endif  // VISION_IMAGE_NPY_H_
