#include "wsol/run_log/metric_curves.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "vision/base/status_util.h"
#include "vision/image/image_io.h"
#include "vision/image/opencv_status.h"
#include "wsol/report/palette.h"
#include "wsol/report/ticks.h"
#include "wsol/report/utf8.h"

namespace wsol {
namespace {

// Drawn larger and scaled down: thin lines and small text become smooth.
constexpr int kScale = 2;
// OpenCV's drawing takes coordinates in 1/16 of a pixel.
constexpr int kShift = 4;
// Values beyond this are as good as infinite for a drawing, and would overflow.
constexpr double kLargest = 1e100;
constexpr double kFarOutside = 1e4;  // Pixels.
// Points nearer to each other than this have no markers.
constexpr double kMarkerDistance = 9;

constexpr double kMargin = 18;
constexpr double kLegendLine = 21;
constexpr double kLegendSwatch = 34;
constexpr double kLegendDot = 22;

constexpr double kTextSize = 0.43;
constexpr double kTitleSize = 0.56;

const cv::Scalar kInk(28, 33, 38);
const cv::Scalar kMuted(92, 102, 112);
const cv::Scalar kGrid(227, 231, 234);
const cv::Scalar kAxis(150, 158, 166);
const cv::Scalar kPaper(255, 255, 255);
const cv::Scalar kBest(220, 0, 25);

cv::Scalar CurveColor(size_t index) {
  const absl::string_view hex = kSeriesPalette[index % kSeriesPalette.size()];
  uint32_t rgb = 0;
  if (!absl::SimpleHexAtoi(hex.substr(1), &rgb)) return kInk;
  return cv::Scalar(rgb >> 16 & 0xff, rgb >> 8 & 0xff, rgb & 0xff);
}

bool IsDrawable(double value) {
  return std::isfinite(value) && std::abs(value) <= kLargest;
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void Add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
  // Makes it wide enough to divide by.
  void Widen() {
    const double scale = std::max(std::abs(low), std::abs(high));
    if (high - low > 1e-9 * scale && high > low) return;
    const double half = scale == 0 ? 1 : 0.5 * scale;
    low -= half;
    high += half;
  }
};

// The index of the red dot among the curve's points.
std::optional<size_t> BestIndex(const MetricCurve& curve) {
  if (!curve.best_x.has_value()) return std::nullopt;
  const auto found = std::find(curve.x.begin(), curve.x.end(), *curve.best_x);
  if (found == curve.x.end()) return std::nullopt;
  const auto index = static_cast<size_t>(found - curve.x.begin());
  if (!IsDrawable(curve.y[index])) return std::nullopt;
  return index;
}

// What the legend tells of the red dot; empty without one.
std::string BestText(const MetricCurve& curve) {
  const std::optional<size_t> best = BestIndex(curve);
  if (!best.has_value()) return "";
  return absl::StrFormat("%.4g at %.4g", curve.y[*best], curve.x[*best]);
}

// What lies outside the canvas is cut off by OpenCV; what lies far outside is
// brought nearer, so that coordinates stay within an int.
cv::Point2d Near(cv::Point2d point) {
  return {std::clamp(point.x, -kFarOutside, kFarOutside),
          std::clamp(point.y, -kFarOutside, kFarOutside)};
}

// A drawing surface in pixels of the finished image.
class Canvas {
 public:
  Canvas(int width, int height)
      : image_(height * kScale, width * kScale, CV_8UC3, kPaper) {}

  void Line(cv::Point2d a, cv::Point2d b, const cv::Scalar& color,
            double width) {
    cv::line(image_, Fixed(a), Fixed(b), color, Thickness(width), cv::LINE_AA,
             kShift);
  }

  void Circle(cv::Point2d center, double radius, const cv::Scalar& color) {
    cv::circle(image_, Fixed(center), cvRound(radius * kScale * (1 << kShift)),
               color, cv::FILLED, cv::LINE_AA, kShift);
  }

  void Polygon(const std::vector<cv::Point2d>& corners,
               const cv::Scalar& color) {
    std::vector<cv::Point> fixed;
    for (const cv::Point2d& corner : corners) fixed.push_back(Fixed(corner));
    cv::fillConvexPoly(image_, fixed, color, cv::LINE_AA, kShift);
  }

  // Text whose base line starts at `at`.
  void Text(cv::Point2d at, const std::string& text, double size,
            const cv::Scalar& color, double weight = 0.75) {
    cv::putText(image_, text,
                cv::Point(cvRound(at.x * kScale), cvRound(at.y * kScale)),
                cv::FONT_HERSHEY_SIMPLEX, size * kScale, color,
                Thickness(weight), cv::LINE_AA);
  }

  static double TextWidth(const std::string& text, double size) {
    int baseline = 0;
    return cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, size * kScale, 1,
                           &baseline)
               .width /
           static_cast<double>(kScale);
  }

  // A part of the canvas, in its own coordinates shifted: drawing on it is cut
  // off at its edges.
  Canvas Part(double left, double top, double right, double bottom) {
    const cv::Rect rect(
        cv::Point(cvFloor(left * kScale), cvFloor(top * kScale)),
        cv::Point(cvCeil(right * kScale), cvCeil(bottom * kScale)));
    Canvas part(image_(rect & cv::Rect({0, 0}, image_.size())));
    part.origin_ = {static_cast<double>(rect.x) / kScale,
                    static_cast<double>(rect.y) / kScale};
    return part;
  }

  cv::Mat Finished() const {
    cv::Mat small;
    cv::resize(image_, small, image_.size() / kScale, 0, 0, cv::INTER_AREA);
    return small;
  }

 private:
  explicit Canvas(const cv::Mat& image) : image_(image) {}

  static int Thickness(double width) {
    return std::max(1, cvRound(width * kScale));
  }
  cv::Point Fixed(cv::Point2d point) const {
    point = Near(point - origin_);
    // The centre of pixel (0, 0) of the large image has coordinate 0.
    return {cvRound((point.x * kScale - 0.5) * (1 << kShift)),
            cvRound((point.y * kScale - 0.5) * (1 << kShift))};
  }

  cv::Mat image_;
  cv::Point2d origin_ = {0, 0};
};

// Curves have markers of different shape: colour is never the only difference.
void DrawMarker(Canvas* canvas, size_t index, cv::Point2d at,
                const cv::Scalar& color) {
  const double x = at.x, y = at.y;
  switch (index % 4) {
    case 0:
      canvas->Circle(at, 3.2, color);
      break;
    case 1:
      canvas->Polygon({{x - 2.9, y - 2.9},
                       {x + 2.9, y - 2.9},
                       {x + 2.9, y + 2.9},
                       {x - 2.9, y + 2.9}},
                      color);
      break;
    case 2:
      canvas->Polygon({{x, y - 4.2}, {x + 3.9, y + 3}, {x - 3.9, y + 3}},
                      color);
      break;
    default:
      canvas->Polygon({{x, y - 4.2}, {x + 4.2, y}, {x, y + 4.2}, {x - 4.2, y}},
                      color);
  }
}

void DrawDot(Canvas* canvas, cv::Point2d at) {
  canvas->Circle(at, 7, kPaper);
  canvas->Circle(at, 5.4, kBest);
}

// A line of the curve's kind: the palette's second turn is dashed. `walked` is
// the way along the curve so far, which goes on with the dashes.
void DrawStroke(Canvas* canvas, size_t index, cv::Point2d from, cv::Point2d to,
                const cv::Scalar& color, double* walked) {
  constexpr double kWidth = 2;
  constexpr double kDash = 7, kPeriod = 11;
  if (index < kSeriesPalette.size()) {
    canvas->Line(from, to, color, kWidth);
    return;
  }
  from = Near(from);
  to = Near(to);
  const double length = std::hypot(to.x - from.x, to.y - from.y);
  double done = 0;
  while (done < length) {
    const double phase = std::fmod(*walked + done, kPeriod);
    const double step =
        std::min(length - done, (phase < kDash ? kDash : kPeriod) - phase);
    if (phase < kDash) {
      canvas->Line(from + (to - from) * (done / length),
                   from + (to - from) * ((done + step) / length), color,
                   kWidth);
    }
    // A step too small to be seen in `done` would never end.
    done += std::max(step, 1e-3);
  }
  *walked += length;
}

class Drawing {
 public:
  Drawing(absl::Span<const MetricCurve> curves,
          const MetricCurvesOptions& options)
      : curves_(curves),
        options_(options),
        canvas_(options.width, options.height) {}

  cv::Mat Draw() {
    double top = kMargin;
    if (!options_.title.empty()) {
      canvas_.Text({kMargin, top + 13}, PrintableAscii(options_.title),
                   kTitleSize, kInk, 1.5);
      top += 28;
    }
    top = DrawLegend(top);
    if (!options_.y_title.empty()) {
      canvas_.Text({kMargin, top + 13}, PrintableAscii(options_.y_title),
                   kTextSize, kMuted);
      top += 20;
    }
    Range x, y;
    for (const MetricCurve& curve : curves_) {
      for (size_t i = 0; i < curve.x.size(); ++i) {
        if (!IsDrawable(curve.x[i])) continue;
        x.Add(curve.x[i]);
        const double value = Scaled(curve.y[i]);
        if (IsDrawable(value)) y.Add(value);
      }
    }
    if (y.empty()) {
      const std::string text = "no data";
      canvas_.Text({(options_.width - Canvas::TextWidth(text, kTitleSize)) / 2,
                    options_.height / 2.0},
                   text, kTitleSize, kMuted);
      return canvas_.Finished();
    }
    DrawAxes(top + 8, x, y);
    DrawCurves();
    return canvas_.Finished();
  }

 private:
  // Places the names of the curves in lines; returns where the last ends.
  double DrawLegend(double top) {
    double x = kMargin;
    bool any = false;
    for (size_t i = 0; i < curves_.size(); ++i) {
      const std::string name = PrintableAscii(curves_[i].name);
      const std::string best = BestText(curves_[i]);
      if (name.empty() && best.empty()) continue;
      const double name_width = Canvas::TextWidth(name, kTextSize);
      const double width =
          kLegendSwatch + name_width +
          (best.empty() ? 0 : kLegendDot + Canvas::TextWidth(best, kTextSize));
      if (any && x > kMargin && x + width > options_.width - kMargin) {
        x = kMargin;
        top += kLegendLine;
      }
      const cv::Scalar color = CurveColor(ColorIndex(i));
      double walked = 0;
      const double y = top + 9;
      DrawStroke(&canvas_, ColorIndex(i), {x, y}, {x + 26, y}, color, &walked);
      if (curves_[i].markers) {
        DrawMarker(&canvas_, ColorIndex(i), {x + 13, y}, color);
      }
      const double text = x + kLegendSwatch;
      canvas_.Text({text, top + 13}, name, kTextSize, kInk);
      if (!best.empty()) {
        DrawDot(&canvas_, {text + name_width + 12, y});
        canvas_.Text({text + name_width + kLegendDot, top + 13}, best,
                     kTextSize, kMuted);
      }
      x += width + 24;
      any = true;
    }
    return any ? top + kLegendLine + 6 : top;
  }

  void DrawAxes(double top, Range x, Range y) {
    bottom_ = options_.height - (options_.x_title.empty() ? 34.0 : 54.0);
    // A legend of many lines may leave no room.
    top_ = std::min(top, bottom_ - 40);
    x.Widen();
    y.Widen();
    const auto scaled = [this](std::optional<double> end) {
      return end.has_value() ? Scaled(*end) : end;
    };
    SetEnds(options_.x_min, options_.x_max, &x);
    SetEnds(scaled(options_.y_min), scaled(options_.y_max), &y);
    const auto fit = [](double pixels, double each) {
      return std::max(2, static_cast<int>(pixels / each));
    };
    Ticks y_ticks = TicksAround(y.low, y.high, fit(bottom_ - top_, 52),
                                options_.log_y ? 1 : 0);
    if (options_.log_y) {
      for (size_t i = 0; i < y_ticks.values.size(); ++i) {
        y_ticks.labels[i] =
            absl::StrFormat("%.4g", std::pow(10, y_ticks.values[i]));
      }
    }
    // The axis grows to round ends where none were asked for.
    if (!options_.y_min.has_value()) {
      y.low = std::min(y.low, y_ticks.values.front());
    }
    if (!options_.y_max.has_value()) {
      y.high = std::max(y.high, y_ticks.values.back());
    }
    double label_width = 0;
    for (const std::string& label : y_ticks.labels) {
      label_width = std::max(label_width, Canvas::TextWidth(label, kTextSize));
    }
    left_ = std::ceil(kMargin + label_width + 10);
    right_ = options_.width - kMargin - 8;
    x_ = x;
    y_ = y;
    for (size_t i = 0; i < y_ticks.values.size(); ++i) {
      const double at = ScaledToPixel(x.low, y_ticks.values[i]).y;
      if (at < top_ - 0.5 || at > bottom_ + 0.5) continue;
      canvas_.Line({left_, at}, {right_, at}, kGrid, 1);
      const std::string& label = y_ticks.labels[i];
      canvas_.Text({left_ - 9 - Canvas::TextWidth(label, kTextSize), at + 4.5},
                   label, kTextSize, kMuted);
    }
    bool whole = true;
    for (const MetricCurve& curve : curves_) {
      for (const double position : curve.x) {
        whole = whole && position == std::floor(position);
      }
    }
    const Ticks x_ticks =
        TicksWithin(x.low, x.high, fit(right_ - left_, 70), whole ? 1 : 0);
    for (size_t i = 0; i < x_ticks.values.size(); ++i) {
      const double at = ScaledToPixel(x_ticks.values[i], y.low).x;
      canvas_.Line({at, bottom_}, {at, bottom_ + 5}, kAxis, 1);
      const std::string& label = x_ticks.labels[i];
      canvas_.Text({at - Canvas::TextWidth(label, kTextSize) / 2, bottom_ + 19},
                   label, kTextSize, kMuted);
    }
    canvas_.Line({left_, bottom_}, {right_, bottom_}, kAxis, 1.5);
    if (!options_.x_title.empty()) {
      const std::string text = PrintableAscii(options_.x_title);
      canvas_.Text({(left_ + right_ - Canvas::TextWidth(text, kTextSize)) / 2,
                    options_.height - 14.0},
                   text, kTextSize, kMuted);
    }
  }

  void DrawCurves() {
    // A little margin keeps lines and markers at the edge whole.
    constexpr double kEdge = 7;
    Canvas area = canvas_.Part(left_ - kEdge, top_ - kEdge, right_ + kEdge,
                               bottom_ + kEdge);
    for (size_t i = 0; i < curves_.size(); ++i) DrawCurve(&area, i);
    // Dots of all curves lie above all lines.
    for (const MetricCurve& curve : curves_) {
      const std::optional<size_t> best = BestIndex(curve);
      if (best.has_value() && IsDrawable(curve.x[*best]) &&
          IsDrawable(Scaled(curve.y[*best]))) {
        DrawDot(&area, ToPixel(curve.x[*best], curve.y[*best]));
      }
    }
  }

  void DrawCurve(Canvas* area, size_t index) {
    const MetricCurve& curve = curves_[index];
    const cv::Scalar color = CurveColor(ColorIndex(index));
    const size_t count = curve.x.size();
    const auto drawable = [&](size_t i) {
      return i < count && IsDrawable(curve.x[i]) &&
             IsDrawable(Scaled(curve.y[i]));
    };
    bool markers = curve.markers;
    for (size_t i = 0; i + 1 < count; ++i) {
      markers = markers && ScaledToPixel(curve.x[i + 1], 0).x -
                                   ScaledToPixel(curve.x[i], 0).x >=
                               kMarkerDistance;
    }
    double walked = 0;
    for (size_t i = 0; i < count; ++i) {
      if (!drawable(i)) continue;
      const cv::Point2d at = ToPixel(curve.x[i], curve.y[i]);
      if (drawable(i + 1)) {
        DrawStroke(area, ColorIndex(index), at,
                   ToPixel(curve.x[i + 1], curve.y[i + 1]), color, &walked);
      }
      // A point without neighbours has no line that shows it.
      const bool alone = !drawable(i + 1) && (i == 0 || !drawable(i - 1));
      if (markers || alone) DrawMarker(area, ColorIndex(index), at, color);
    }
  }

  size_t ColorIndex(size_t curve) const {
    const int color = curves_[curve].color;
    return color < 0 ? curve : static_cast<size_t>(color);
  }

  // A value as the y axis has it: itself, or its power of ten (not drawable for
  // values <= 0).
  double Scaled(double y) const {
    if (!options_.log_y) return y;
    return y > 0 ? std::log10(y) : std::numeric_limits<double>::quiet_NaN();
  }

  // Sets the ends that were asked for, which may lie beyond all data.
  static void SetEnds(std::optional<double> low, std::optional<double> high,
                      Range* range) {
    if (low.has_value()) range->low = *low;
    if (high.has_value()) range->high = *high;
    if (range->low < range->high) return;
    const double unit = std::max(1.0, std::abs(range->low));
    if (low.has_value()) {
      range->high = range->low + unit;
    } else {
      range->low = range->high - unit;
    }
  }

  cv::Point2d ToPixel(double x, double y) const {
    return ScaledToPixel(x, Scaled(y));
  }

  cv::Point2d ScaledToPixel(double x, double y) const {
    return {left_ + (x - x_.low) / (x_.high - x_.low) * (right_ - left_),
            bottom_ - (y - y_.low) / (y_.high - y_.low) * (bottom_ - top_)};
  }

  const absl::Span<const MetricCurve> curves_;
  const MetricCurvesOptions& options_;
  Canvas canvas_;
  // The area of the curves in pixels, and what its edges stand for.
  double left_ = 0, top_ = 0, right_ = 0, bottom_ = 0;
  Range x_, y_;
};

absl::Status ValidateCurve(const MetricCurve& curve) {
  if (curve.x.size() != curve.y.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("curve '", curve.name, "' has ", curve.x.size(),
                     " positions and ", curve.y.size(), " values"));
  }
  for (size_t i = 0; i < curve.x.size(); ++i) {
    if (!std::isfinite(curve.x[i]) || (i > 0 && curve.x[i] <= curve.x[i - 1])) {
      return absl::InvalidArgumentError(absl::StrCat(
          "curve '", curve.name, "': position ", i, " is ", curve.x[i],
          ", expected finite and ascending positions"));
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateEnds(absl::string_view axis, std::optional<double> low,
                          std::optional<double> high) {
  for (const std::optional<double>& end : {low, high}) {
    if (end.has_value() && !IsDrawable(*end)) {
      return absl::InvalidArgumentError(
          absl::StrCat("got ", *end, " as an end of the ", axis, " axis"));
    }
  }
  if (low.has_value() && high.has_value() && !(*low < *high)) {
    return absl::InvalidArgumentError(
        absl::StrCat("got a ", axis, " axis from ", *low, " to ", *high,
                     ", expected ascending"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MetricCurvesOptions::Validate() const {
  if (width < 320 || width > 4096 || height < 240 || height > 4096) {
    return absl::InvalidArgumentError(
        absl::StrCat("got a chart of ", width, " x ", height,
                     " pixels, expected 320 x 240 to 4096 x 4096"));
  }
  VISION_RETURN_IF_ERROR(ValidateEnds("x", x_min, x_max));
  VISION_RETURN_IF_ERROR(ValidateEnds("y", y_min, y_max));
  for (const std::optional<double>& end : {y_min, y_max}) {
    if (log_y && end.has_value() && !(*end > 0)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "got ", *end, " as an end of a logarithmic axis, expected > 0"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<cv::Mat> DrawMetricCurves(absl::Span<const MetricCurve> curves,
                                         const MetricCurvesOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  for (const MetricCurve& curve : curves) {
    VISION_RETURN_IF_ERROR(ValidateCurve(curve));
  }
  return vision::CallOpencv("drawing metric curves",
                            [&] { return Drawing(curves, options).Draw(); });
}

absl::Status WriteMetricCurves(const std::string& path,
                               absl::Span<const MetricCurve> curves,
                               const MetricCurvesOptions& options) {
  VISION_ASSIGN_OR_RETURN(const cv::Mat image,
                          DrawMetricCurves(curves, options));
  return vision::WritePng(path, image);
}

}  // namespace wsol
