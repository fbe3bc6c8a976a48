// Score maps as anyone's tools leave them on disk.
//
//   VISION_ASSIGN_OR_RETURN(const cv::Mat map,
//                           wsol::ReadScoreMap("maps/x.jpg.npy"));

#ifndef WSOL_SCORE_MAPS_SCORE_MAP_FILE_H_
#define WSOL_SCORE_MAPS_SCORE_MAP_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"

namespace wsol {

// The formats of score maps, by a file's extension.
enum class ScoreMapFormat { kNpy, kPng };

// ".npy" or ".png".
absl::string_view ScoreMapExtension(ScoreMapFormat format);

// A score map from a file's bytes; `name` stands for it in messages.
//   .npy: vision/image/npy.h; floats as they are, CV_32FC1 (also of float16) or
//         CV_64FC1; uint8 / 255 and uint16 / 65535 in double, CV_64FC1.
//   .png: grey without alpha, of 1 to 16 bits; sample / largest sample of 8 or
//         16 bits in double, CV_64FC1.
// So the protocol's bytes of an 8-bit file are the bytes of that file. Scores
// are not checked. Errors: kDataLoss for damaged bytes and files cut short;
// kInvalidArgument for sound files of another kind.
absl::StatusOr<cv::Mat> ParseScoreMap(absl::string_view bytes,
                                      absl::string_view name,
                                      ScoreMapFormat format);

// The same from a file, told by its extension; kInvalidArgument for others.
absl::StatusOr<cv::Mat> ReadScoreMap(const std::string& path);

}  // namespace wsol

#endif  // WSOL_SCORE_MAPS_SCORE_MAP_FILE_H_
