#include "wsol/report_run/lettering.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "wsol/report/utf8.h"

namespace wsol {
namespace {

constexpr int kScale = 2;

cv::Scalar Color(vision::RgbColor color) {
  return cv::Scalar(color.red, color.green, color.blue);
}

}  // namespace

Lettering::Lettering(int width, int height)
    : large_(height * kScale, width * kScale, CV_8UC3, cv::Scalar::all(255)) {}

void Lettering::Text(double x, double y, absl::string_view text, double size,
                     vision::RgbColor color, bool bold) {
  cv::putText(large_, PrintableAscii(text),
              cv::Point(cvRound(x * kScale), cvRound(y * kScale)),
              cv::FONT_HERSHEY_SIMPLEX, size * kScale, Color(color),
              bold ? 3 : 2, cv::LINE_AA);
}

double Lettering::TextWidth(absl::string_view text, double size) {
  int baseline = 0;
  return cv::getTextSize(PrintableAscii(text), cv::FONT_HERSHEY_SIMPLEX,
                         size * kScale, 2, &baseline)
             .width /
         static_cast<double>(kScale);
}

std::string Lettering::Fitted(absl::string_view text, double size,
                              double width) {
  std::string fitted = PrintableAscii(text);
  if (TextWidth(fitted, size) <= width) return fitted;
  while (!fitted.empty() &&
         TextWidth(absl::StrCat(fitted, "..."), size) > width) {
    fitted.pop_back();
  }
  return absl::StrCat(fitted, "...");
}

void Lettering::Fill(double x, double y, double width, double height,
                     vision::RgbColor color) {
  const cv::Rect rect(cvRound(x * kScale), cvRound(y * kScale),
                      std::max(1, cvRound(width * kScale)),
                      std::max(1, cvRound(height * kScale)));
  cv::rectangle(large_, rect, Color(color), cv::FILLED);
}

cv::Mat Lettering::Finished() const {
  cv::Mat small;
  cv::resize(large_, small, large_.size() / kScale, 0, 0, cv::INTER_AREA);
  return small;
}

}  // namespace wsol
