// Smooth small text in pictures: a canvas of twice the size, on which texts and
// lines are drawn, and which is then scaled down.
//
//   wsol::Lettering canvas(400, 100);
//   canvas.Text({10, 20}, "F-CAM", 0.5, wsol::kLetteringInk);
//   cv::Mat picture = canvas.Finished();  // 400 x 100

#ifndef WSOL_REPORT_RUN_LETTERING_H_
#define WSOL_REPORT_RUN_LETTERING_H_

#include <string>

#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"
#include "vision/image/overlay.h"

namespace wsol {

inline constexpr vision::RgbColor kLetteringInk{28, 33, 38};
inline constexpr vision::RgbColor kLetteringMuted{92, 102, 112};
inline constexpr vision::RgbColor kLetteringRule{200, 206, 211};

class Lettering {
 public:
  // A white canvas in pixels of the finished picture, at least 1 x 1.
  Lettering(int width, int height);

  // Text whose base line begins at (x, y); a size of 0.43 is some 9 pixels
  // high. The font has ASCII only; other characters are drawn as "?".
  void Text(double x, double y, absl::string_view text, double size,
            vision::RgbColor color, bool bold = false);
  static double TextWidth(absl::string_view text, double size);
  // The text, or its beginning with "..." where it is wider than that.
  static std::string Fitted(absl::string_view text, double size, double width);

  void Fill(double x, double y, double width, double height,
            vision::RgbColor color);

  // CV_8UC3 in RGB order.
  cv::Mat Finished() const;

 private:
  cv::Mat large_;
};

}  // namespace wsol

#endif  // WSOL_REPORT_RUN_LETTERING_H_
