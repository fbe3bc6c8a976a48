#include "wsol/datasets/composer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "vision/base/rng.h"
#include "vision/base/status_util.h"

// Only operations that IEEE 754 rounds correctly may touch the pixels: + - * /,
// comparisons, conversions, and frexp, ldexp, floor, fabs, which are exact.
// This file is compiled without contraction of multiply and add.

namespace wsol {
namespace internal {

namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kLn2High = 6.93147180369123816490e-01;  // 32 bits of ln 2
constexpr double kLn2Low = 1.90821492927058770002e-10;   // and the rest

// The Taylor sum of sin(x) (first = x) or cos(x) (first = 1) for |x| <= pi / 4.
double SinCosSeries(double x, double first, int degree) {
  double term = first;
  double sum = first;
  for (int k = degree + 1; k < 24; k += 2) {
    term = -term * x * x / (static_cast<double>(k) * (k + 1));
    sum += term;
  }
  return sum;
}

}  // namespace

double PortableSin(double x) {
  const double quarter = std::floor(x * (2 / kPi) + 0.5);
  const double rest = x - quarter * (kPi / 2);
  const int quadrant = static_cast<int>(quarter) & 3;
  const double value = quadrant % 2 == 0 ? SinCosSeries(rest, rest, 1)
                                         : SinCosSeries(rest, 1, 0);
  return quadrant < 2 ? value : -value;
}

double PortableCos(double x) { return PortableSin(x + kPi / 2); }

double PortableExp(double x) {
  const double n = std::floor(x * (1 / (kLn2High + kLn2Low)) + 0.5);
  const double rest = (x - n * kLn2High) - n * kLn2Low;  // |rest| <= ln 2 / 2
  double sum = 1;
  for (int k = 20; k > 0; --k) sum = 1 + sum * rest / k;
  return std::ldexp(sum, static_cast<int>(n));
}

double PortableLog(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);  // in [1/2, 1)
  if (m < 0.70710678118654752440) {
    m *= 2;
    --exponent;
  }
  // log m = 2 atanh(z) = 2 (z + z^3 / 3 + z^5 / 5 + ...), |z| <= 0.1716.
  const double z = (m - 1) / (m + 1);
  const double z2 = z * z;
  double sum = 0;
  for (int k = 23; k > 0; k -= 2) sum = sum * z2 + 1.0 / k;
  return exponent * kLn2High + (2 * z * sum + exponent * kLn2Low);
}

}  // namespace internal

namespace {

// How many times an image is drawn until enough of its object is visible. With
// the default options the first draw nearly always is fine.
constexpr int kMaxDraws = 32;
constexpr double kMinVisible = 0.6;
constexpr double kPositionMargin = 0.05;
constexpr double kCornerShift = 0.14;
constexpr double kPhotographProbability = 0.8;
constexpr double kMinCrop = 1.2;

// Drawn in any other order the numbers of a stream would mean something else,
// so each helper below draws in the order of its statements.
using vision::Rng;

// A 3x3 matrix, row by row, that maps points (x, y, 1) up to a factor.
using Homography = std::array<double, 9>;

struct Point {
  double x = 0;
  double y = 0;
};

Point Map(const Homography& h, double x, double y) {
  const double w = h[6] * x + h[7] * y + h[8];
  return {(h[0] * x + h[1] * y + h[2]) / w, (h[3] * x + h[4] * y + h[5]) / w};
}

Homography Multiply(const Homography& a, const Homography& b) {
  Homography product{};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      product[3 * i + j] =
          a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
    }
  }
  return product;
}

// The inverse up to a factor: the adjugate.
Homography Invert(const Homography& m) {
  return {m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8],
          m[1] * m[5] - m[2] * m[4], m[5] * m[6] - m[3] * m[8],
          m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
          m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7],
          m[0] * m[4] - m[1] * m[3]};
}

Homography Translation(double x, double y) {
  return {1, 0, x, 0, 1, y, 0, 0, 1};
}

Homography Scaling(double x, double y) { return {x, 0, 0, 0, y, 0, 0, 0, 1}; }

Homography Rotation(double radians) {
  const double c = internal::PortableCos(radians);
  const double s = internal::PortableSin(radians);
  return {c, -s, 0, s, c, 0, 0, 0, 1};
}

// Maps (0, 0), (1, 0), (1, 1), (0, 1) to the corners of a convex quadrilateral
// (Heckbert, "Fundamentals of Texture Mapping and Image Warping", 1989, 2.2.3).
Homography UnitSquareTo(const std::array<Point, 4>& q) {
  const double dx1 = q[1].x - q[2].x;
  const double dy1 = q[1].y - q[2].y;
  const double dx2 = q[3].x - q[2].x;
  const double dy2 = q[3].y - q[2].y;
  const double sx = q[0].x - q[1].x + q[2].x - q[3].x;
  const double sy = q[0].y - q[1].y + q[2].y - q[3].y;
  const double determinant = dx1 * dy2 - dx2 * dy1;
  const double g = (sx * dy2 - dx2 * sy) / determinant;
  const double h = (dx1 * sy - sx * dy1) / determinant;
  return {q[1].x - q[0].x + g * q[1].x,
          q[3].x - q[0].x + h * q[3].x,
          q[0].x,
          q[1].y - q[0].y + g * q[1].y,
          q[3].y - q[0].y + h * q[3].y,
          q[0].y,
          g,
          h,
          1};
}

// A float image of 3 or 4 channels, interleaved.
struct FloatImage {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<float> values;

  FloatImage(int w, int h, int c)
      : width(w),
        height(h),
        channels(c),
        values(static_cast<size_t>(w) * static_cast<size_t>(h) *
               static_cast<size_t>(c)) {}

  float* At(int x, int y) {
    return &values[(static_cast<size_t>(y) * static_cast<size_t>(width) +
                    static_cast<size_t>(x)) *
                   static_cast<size_t>(channels)];
  }
  const float* At(int x, int y) const {
    return const_cast<FloatImage*>(this)->At(x, y);
  }
};

// Adds to `sum` the bilinear sample of an image with 4 channels at (x, y),
// where pixel (i, j) has its centre at (i + 1/2, j + 1/2) and all is 0 outside.
void AddSample(const FloatImage& image, double x, double y, float* sum) {
  x -= 0.5;
  y -= 0.5;
  if (!(x > -1 && y > -1 && x < image.width && y < image.height)) return;
  const double floor_x = std::floor(x);
  const double floor_y = std::floor(y);
  const int x0 = static_cast<int>(floor_x);
  const int y0 = static_cast<int>(floor_y);
  const float fx = static_cast<float>(x - floor_x);
  const float fy = static_cast<float>(y - floor_y);
  for (int j = 0; j < 2; ++j) {
    if (y0 + j < 0 || y0 + j >= image.height) continue;
    const float wy = j == 0 ? 1 - fy : fy;
    for (int i = 0; i < 2; ++i) {
      if (x0 + i < 0 || x0 + i >= image.width) continue;
      const float weight = wy * (i == 0 ? 1 - fx : fx);
      const float* const pixel = image.At(x0 + i, y0 + j);
      for (int c = 0; c < 4; ++c) sum[c] += weight * pixel[c];
    }
  }
}

uint8_t ToByte(float value) {
  if (!(value > 0)) return 0;
  if (value >= 255) return 255;
  return static_cast<uint8_t>(value + 0.5f);
}

// Roughly normal with standard deviation 1: the sum of four uniform 16-bit
// numbers, at most 3.46 away from 0. Exact integers, one word of the stream.
float Noise(Rng& rng) {
  const uint64_t word = rng.Next();
  const int64_t sum = static_cast<int64_t>(word & 0xFFFF) +
                      static_cast<int64_t>(word >> 16 & 0xFFFF) +
                      static_cast<int64_t>(word >> 32 & 0xFFFF) +
                      static_cast<int64_t>(word >> 48) - 2 * 0xFFFF;
  // The variance of a 16-bit number is (2^32 - 1) / 12.
  return static_cast<float>(sum) * (1.7320508f / 65536.0f);
}

// The part of a photograph at columns [left, left + width), as a square of side
// `size`: crop, contrast, brightness and flip at random.
FloatImage PhotographBackground(const cv::Mat& photograph, Split split,
                                int size, Rng& rng) {
  const int half = photograph.cols / 2;
  const int left = split == Split::kTest ? photograph.cols - half : 0;
  const double largest = std::min(half, photograph.rows);
  // Where the photograph's half is too small for 1.2 times the output, three
  // quarters of the largest crop is the smallest one.
  const double smallest = std::min(kMinCrop * size, 0.75 * largest);
  const double side = rng.Uniform(smallest, largest);
  const double x0 = left + rng.Uniform(0, half - side);
  const double y0 = rng.Uniform(0, photograph.rows - side);
  const float contrast = static_cast<float>(rng.Uniform(0.7, 1.1));
  const float brightness = static_cast<float>(rng.Uniform(0.75, 1.15));
  const bool flip = rng.Bernoulli(0.5);

  // Each output pixel is the mean of taps x taps bilinear samples.
  const double step = side / size;
  const int taps = static_cast<int>(std::floor(step)) + 1;
  const auto weights = [&](double start, int low, int high) {
    // For each output pixel and tap: lower pixel and weight of the upper one.
    std::vector<std::pair<int, float>> result;
    for (int i = 0; i < size * taps; ++i) {
      double at = start + (i + 0.5) * (step / taps) - 0.5;
      at = std::min(std::max(at, static_cast<double>(low)),
                    static_cast<double>(high - 1));
      const double floor_at =
          std::min(std::floor(at), static_cast<double>(high - 2));
      result.emplace_back(static_cast<int>(floor_at),
                          static_cast<float>(at - floor_at));
    }
    return result;
  };
  const auto columns = weights(x0, left, left + half);
  const auto rows = weights(y0, 0, photograph.rows);
  FloatImage background(size, size, 3);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      float sum[3] = {0, 0, 0};
      for (int j = y * taps; j < (y + 1) * taps; ++j) {
        const auto [row, fy] = rows[static_cast<size_t>(j)];
        const uint8_t* const upper = photograph.ptr<uint8_t>(row);
        const uint8_t* const lower = photograph.ptr<uint8_t>(row + 1);
        for (int i = x * taps; i < (x + 1) * taps; ++i) {
          const auto [column, fx] = columns[static_cast<size_t>(i)];
          for (int c = 0; c < 3; ++c) {
            const int k = 3 * column + c;
            const float above = upper[k] + fx * (upper[k + 3] - upper[k]);
            const float below = lower[k] + fx * (lower[k + 3] - lower[k]);
            sum[c] += above + fy * (below - above);
          }
        }
      }
      float* const pixel = background.At(flip ? size - 1 - x : x, y);
      const float scale = 1 / static_cast<float>(taps * taps);
      for (int c = 0; c < 3; ++c) {
        const float value = (sum[c] * scale - 127.5f) * contrast + 127.5f;
        pixel[c] = std::min(std::max(value * brightness, 0.0f), 255.0f);
      }
    }
  }
  return background;
}

// Smooth fractal noise around a random colour: a sum of interpolated lattices
// of random values, whose amplitude falls as frequency^-exponent. In two
// dimensions an octave holds so many waves that its amplitude is 2^(1 -
// exponent) times that of the octave below.
FloatImage NoiseBackground(int size, Rng& rng) {
  constexpr int kChannels = 4;  // One common to all colours and one for each.
  const double exponent = rng.Uniform(2, 3.2);
  const double gain =
      internal::PortableExp((1 - exponent) * internal::PortableLog(2));
  float colour[3];
  for (float& c : colour) c = static_cast<float>(rng.Uniform(40, 215));
  const double amplitude = rng.Uniform(40, 110);

  FloatImage noise(size, size, kChannels);
  double octave_amplitude = amplitude;
  for (int cells = 2; cells <= size / 2; cells *= 2) {
    // The lattice is shifted by a part of a cell, so that octaves do not share
    // nodes; hence two nodes more.
    const double shift_x = rng.Uniform();
    const double shift_y = rng.Uniform();
    FloatImage lattice(cells + 2, cells + 2, kChannels);
    for (float& value : lattice.values) {
      value = static_cast<float>(octave_amplitude * rng.Uniform(-1, 1));
    }
    std::vector<std::pair<int, float>> columns;
    std::vector<std::pair<int, float>> rows;
    for (int i = 0; i < size; ++i) {
      const double along = (i + 0.5) * cells / size;
      const auto node = [&](double at) {
        const double cell = std::floor(at);
        const double t = at - cell;
        return std::make_pair(static_cast<int>(cell),
                              static_cast<float>(t * t * (3 - 2 * t)));
      };
      columns.push_back(node(along + shift_x));
      rows.push_back(node(along + shift_y));
    }
    for (int y = 0; y < size; ++y) {
      const auto [row, fy] = rows[static_cast<size_t>(y)];
      for (int x = 0; x < size; ++x) {
        const auto [column, fx] = columns[static_cast<size_t>(x)];
        float* const pixel = noise.At(x, y);
        const float* const upper = lattice.At(column, row);
        const float* const lower = lattice.At(column, row + 1);
        for (int c = 0; c < kChannels; ++c) {
          const float above = upper[c] + fx * (upper[c + kChannels] - upper[c]);
          const float below = lower[c] + fx * (lower[c + kChannels] - lower[c]);
          pixel[c] += above + fy * (below - above);
        }
      }
    }
    octave_amplitude *= gain;
  }
  FloatImage background(size, size, 3);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const float* const in = noise.At(x, y);
      float* const out = background.At(x, y);
      for (int c = 0; c < 3; ++c) {
        const float value = colour[c] + in[3] + 0.4f * in[c];
        out[c] = std::min(std::max(value, 0.0f), 255.0f);
      }
    }
  }
  return background;
}

}  // namespace

absl::string_view SplitName(Split split) {
  switch (split) {
    case Split::kTrain:
      return "train";
    case Split::kVal:
      return "val";
    case Split::kTest:
      return "test";
  }
  return "";
}

absl::Status ComposerOptions::Validate() const {
  if (size < 16 || size > 4096) {
    return absl::InvalidArgumentError(
        absl::StrCat("size is ", size, " pixels, expected one in [16, 4096]"));
  }
  if (!(max_rotation_degrees >= 0 && max_rotation_degrees <= 45)) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_rotation_degrees is ", max_rotation_degrees,
                     ", expected one in [0, 45]"));
  }
  // Above 1 + 2 * margin an object could not keep to the margin.
  if (!(min_long_side >= 0.1 && min_long_side <= max_long_side &&
        max_long_side <= 1 + 2 * kPositionMargin)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "long sides are [", min_long_side, ", ", max_long_side,
        "], expected 0.1 <= min <= max <= ", 1 + 2 * kPositionMargin));
  }
  return absl::OkStatus();
}

// A cut-out, cropped to its opaque part.
struct Composer::Cutout {
  cv::Mat rgba;
  // Centres of its pixels of alpha > 1/2, relative to the crop.
  std::vector<Point> object;
};

struct Composer::Class {
  std::string name;
  std::vector<Cutout> cutouts;
};

Composer::Composer() = default;
Composer::Composer(Composer&&) noexcept = default;
Composer& Composer::operator=(Composer&&) noexcept = default;
Composer::~Composer() = default;

int Composer::num_classes() const { return static_cast<int>(classes_.size()); }

const std::string& Composer::class_name(int label) const {
  return classes_[static_cast<size_t>(label)].name;
}

absl::StatusOr<Composer> Composer::Create(const ComposerMaterial& material,
                                          const ComposerOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  if (material.classes.empty()) {
    return absl::InvalidArgumentError("got no classes, expected one or more");
  }
  if (material.photographs.empty()) {
    return absl::InvalidArgumentError(
        "got no photographs, expected one or more");
  }
  Composer composer;
  composer.options_ = options;
  for (const ObjectClass& object_class : material.classes) {
    Class& out = composer.classes_.emplace_back();
    out.name = object_class.name;
    if (object_class.cutouts.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "class '", object_class.name, "' has no cut-outs, expected some"));
    }
    for (const cv::Mat& rgba : object_class.cutouts) {
      if (rgba.type() != CV_8UC4) {
        return absl::InvalidArgumentError(
            absl::StrCat("a cut-out of class '", object_class.name,
                         "' is not an 8-bit RGBA image"));
      }
      int x0 = rgba.cols;
      int y0 = rgba.rows;
      int x1 = 0;
      int y1 = 0;
      for (int y = 0; y < rgba.rows; ++y) {
        for (int x = 0; x < rgba.cols; ++x) {
          if (rgba.ptr<uint8_t>(y)[4 * x + 3] <= 127) continue;
          x0 = std::min(x0, x);
          y0 = std::min(y0, y);
          x1 = std::max(x1, x + 1);
          y1 = std::max(y1, y + 1);
        }
      }
      if (x1 <= x0) {
        return absl::InvalidArgumentError(
            absl::StrCat("a cut-out of class '", object_class.name,
                         "' has no opaque pixel"));
      }
      Cutout& cutout = out.cutouts.emplace_back();
      cutout.rgba = rgba(cv::Rect(x0, y0, x1 - x0, y1 - y0)).clone();
      for (int y = 0; y < cutout.rgba.rows; ++y) {
        for (int x = 0; x < cutout.rgba.cols; ++x) {
          if (cutout.rgba.ptr<uint8_t>(y)[4 * x + 3] > 127) {
            cutout.object.push_back({x + 0.5, y + 0.5});
          }
        }
      }
    }
  }
  for (const cv::Mat& photograph : material.photographs) {
    if (photograph.type() != CV_8UC3 || photograph.cols < 32 ||
        photograph.rows < 16) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a photograph is ", photograph.cols, "x", photograph.rows, " with ",
          photograph.channels(),
          " channels, expected 8-bit RGB of 32x16 pixels or more"));
    }
    composer.photographs_.push_back(photograph.clone());
  }
  return composer;
}

namespace {

// Where an object goes: from pixels of the cut-out to pixels of the image.
struct Placement {
  Homography to_image;
  // Pixels of the cut-out per pixel of the image, along a side.
  double minification = 1;
  // Box of the object in the image, not cut at its border.
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
  // Part of the object inside the image.
  double visible = 0;
};

// Draws a placement of an object that fills a box of width x height.
Placement DrawPlacement(const std::vector<Point>& object, int width, int height,
                        const ComposerOptions& options, Rng& rng) {
  const bool flip = rng.Bernoulli(0.5);
  std::array<Point, 4> corners = {Point{0, 0}, Point{1, 0}, Point{1, 1},
                                  Point{0, 1}};
  for (Point& corner : corners) {
    corner.x += rng.Uniform(-kCornerShift, kCornerShift);
    corner.y += rng.Uniform(-kCornerShift, kCornerShift);
    corner.x *= width;
    corner.y *= height;
  }
  const double radians =
      rng.Uniform(-1, 1) * options.max_rotation_degrees * (internal::kPi / 180);
  const double long_side =
      options.size * rng.Uniform(options.min_long_side, options.max_long_side);
  const double at_x = rng.Uniform();
  const double at_y = rng.Uniform();

  Homography to_unit = Scaling(1.0 / width, 1.0 / height);
  if (flip) {
    to_unit = Multiply(Multiply(Translation(1, 0), Scaling(-1, 1)), to_unit);
  }
  const Homography warp =
      Multiply(Rotation(radians), Multiply(UnitSquareTo(corners), to_unit));

  // The warped object's box decides on scale and position.
  const auto find_box = [&](const Homography& h) {
    std::array<double, 4> box = {1e300, 1e300, -1e300, -1e300};
    for (const Point& point : object) {
      const Point p = Map(h, point.x, point.y);
      box = {std::min(box[0], p.x), std::min(box[1], p.y),
             std::max(box[2], p.x), std::max(box[3], p.y)};
    }
    return box;
  };
  const std::array<double, 4> box = find_box(warp);
  const double box_width = box[2] - box[0] + 1;
  const double box_height = box[3] - box[1] + 1;
  const double scale = long_side / std::max(box_width, box_height);
  const double margin = kPositionMargin * options.size;
  const auto position = [&](double fraction, double extent) {
    return -margin + fraction * (options.size - extent + 2 * margin);
  };
  Placement placement;
  placement.left = position(at_x, box_width * scale);
  placement.top = position(at_y, box_height * scale);
  placement.right = placement.left + box_width * scale;
  placement.bottom = placement.top + box_height * scale;
  placement.minification = 1 / scale;
  placement.to_image = Multiply(
      Translation(placement.left, placement.top),
      Multiply(Scaling(scale, scale),
               Multiply(Translation(0.5 - box[0], 0.5 - box[1]), warp)));
  int64_t inside = 0;
  for (const Point& point : object) {
    const Point p = Map(placement.to_image, point.x, point.y);
    inside += p.x >= 0 && p.y >= 0 && p.x < options.size && p.y < options.size;
  }
  placement.visible =
      static_cast<double>(inside) / static_cast<double>(object.size());
  return placement;
}

// The cut-out under another light, with premultiplied alpha: gain per channel,
// gamma, and a linear shading. Values 0..255, alpha 0..1.
FloatImage Relight(const cv::Mat& rgba, Rng& rng) {
  double gain[3];
  for (double& g : gain) g = rng.Uniform(0.8, 1.2);
  const double gamma = rng.Uniform(0.75, 1.35);
  const double slope_x = rng.Uniform(-1, 1);
  const double slope_y = rng.Uniform(-1, 1);
  // At most 12 % at the corners, whatever the direction.
  const double steepness =
      0.12 / std::max(1.0, std::fabs(slope_x) + std::fabs(slope_y));

  std::array<std::array<float, 256>, 3> table;
  for (size_t value = 0; value < 256; ++value) {
    const double light =
        value == 0 ? 0
                   : 255 * internal::PortableExp(
                               gamma * internal::PortableLog(
                                           static_cast<double>(value) / 255));
    for (size_t c = 0; c < 3; ++c) {
      table[c][value] = static_cast<float>(light * gain[c]);
    }
  }
  FloatImage result(rgba.cols, rgba.rows, 4);
  for (int y = 0; y < rgba.rows; ++y) {
    const uint8_t* in = rgba.ptr<uint8_t>(y);
    const double v = 2 * (y + 0.5) / rgba.rows - 1;
    for (int x = 0; x < rgba.cols; ++x, in += 4) {
      const double u = 2 * (x + 0.5) / rgba.cols - 1;
      const float shading =
          static_cast<float>(1 + steepness * (slope_x * u + slope_y * v));
      const float alpha = static_cast<float>(in[3]) / 255;
      float* const out = result.At(x, y);
      for (size_t c = 0; c < 3; ++c) {
        out[c] = alpha * std::min(table[c][in[c]] * shading, 255.0f);
      }
      out[3] = alpha;
    }
  }
  return result;
}

}  // namespace

ComposedImage Composer::Compose(Split split, int64_t n) const {
  const int size = options_.size;
  const Class& object_class = classes_[static_cast<size_t>(Label(n))];
  ComposedImage result;
  result.label = Label(n);
  result.rgb.create(size, size, CV_8UC3);
  result.mask.create(size, size, CV_8UC1);
  for (uint64_t draw = 0;; ++draw) {
    Rng rng(options_.seed,
            {static_cast<uint64_t>(split), static_cast<uint64_t>(n), draw});
    const Cutout& cutout = object_class.cutouts[static_cast<size_t>(
        rng.UniformInt(object_class.cutouts.size()))];
    const Placement placement = DrawPlacement(cutout.object, cutout.rgba.cols,
                                              cutout.rgba.rows, options_, rng);
    if (placement.visible < kMinVisible && draw + 1 < kMaxDraws) continue;

    const FloatImage object = Relight(cutout.rgba, rng);
    const FloatImage background =
        rng.Bernoulli(kPhotographProbability)
            ? PhotographBackground(photographs_[static_cast<size_t>(
                                       rng.UniformInt(photographs_.size()))],
                                   split, size, rng)
            : NoiseBackground(size, rng);
    const float sigma = static_cast<float>(rng.Uniform(0, 5));

    // Each pixel is the mean of taps x taps bilinear samples, enough of them
    // that a shrunken object is averaged over its area and not picked from.
    const Homography to_object = Invert(placement.to_image);
    const int taps =
        std::min(8, static_cast<int>(std::floor(placement.minification)) + 1);
    const double fraction = 1.0 / taps;
    const float weight = 1 / static_cast<float>(taps * taps);
    vision::Box box{size, size, 0, 0};
    for (int y = 0; y < size; ++y) {
      uint8_t* const rgb = result.rgb.ptr<uint8_t>(y);
      uint8_t* const mask = result.mask.ptr<uint8_t>(y);
      const bool row_has_object =
          y + 3 > placement.top && y - 2 < placement.bottom;
      for (int x = 0; x < size; ++x) {
        float pixel[4] = {0, 0, 0, 0};
        if (row_has_object && x + 3 > placement.left &&
            x - 2 < placement.right) {
          for (int j = 0; j < taps; ++j) {
            for (int i = 0; i < taps; ++i) {
              const Point p = Map(to_object, x + (i + 0.5) * fraction,
                                  y + (j + 0.5) * fraction);
              AddSample(object, p.x, p.y, pixel);
            }
          }
        }
        const float alpha = std::min(pixel[3] * weight, 1.0f);
        const float* const behind = background.At(x, y);
        for (int c = 0; c < 3; ++c) {
          const float value = behind[c] * (1 - alpha) + pixel[c] * weight;
          rgb[3 * x + c] = ToByte(value + sigma * Noise(rng));
        }
        const bool on_object = alpha > 0.5f;
        mask[x] = on_object ? 255 : 0;
        if (on_object) {
          box.x0 = std::min(box.x0, x);
          box.y0 = std::min(box.y0, y);
          box.x1 = std::max(box.x1, x + 1);
          box.y1 = std::max(box.y1, y + 1);
        }
      }
    }
    // A thin object in a tiny image may have no pixel of its own.
    if (box.IsEmpty() && draw + 1 < kMaxDraws) continue;
    if (box.IsEmpty()) {
      const int x = std::min(
          std::max(static_cast<int>((placement.left + placement.right) / 2), 0),
          size - 1);
      const int y = std::min(
          std::max(static_cast<int>((placement.top + placement.bottom) / 2), 0),
          size - 1);
      result.mask.ptr<uint8_t>(y)[x] = 255;
      box = {x, y, x + 1, y + 1};
    }
    result.box = box;
    return result;
  }
}

}  // namespace wsol
