#include "wsol/cam_run/contact_sheet.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "glog/logging.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "vision/image/overlay.h"

namespace wsol {
namespace {

constexpr int kTile = ContactSheet::kTile;
constexpr int kGap = 6;
constexpr int kTextWidth = 232;
constexpr int kHeaderHeight = 28;
constexpr int kFooterHeight = 24;
constexpr int kLineHeight = 18;
constexpr double kMapShare = 0.5;
constexpr double kFontScale = 0.45;
constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr char kLegend[] =
    "maps: each min-max normalised, blue lowest, red highest";

int TextWidth(const std::string& text) {
  int baseline = 0;
  return cv::getTextSize(text, kFont, kFontScale, 1, &baseline).width;
}

// The font has ASCII alone. Long texts keep their end, which tells images
// apart.
std::string Printable(std::string text, int width) {
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  if (TextWidth(text) <= width) return text;
  size_t begin = 0;
  while (begin < text.size() && TextWidth("..." + text.substr(begin)) > width) {
    ++begin;
  }
  return "..." + text.substr(begin);
}

void Write(cv::Mat* sheet, const std::string& text, int x, int y) {
  cv::putText(*sheet, text, {x, y}, kFont, kFontScale, cv::Scalar(0, 0, 0), 1,
              cv::LINE_AA);
}

// Where a picture of this size goes in a tile.
cv::Size Fit(const cv::Size& size) {
  const double scale = static_cast<double>(kTile) /
                       static_cast<double>(std::max(size.width, size.height));
  return {std::clamp(cvRound(size.width * scale), 1, kTile),
          std::clamp(cvRound(size.height * scale), 1, kTile)};
}

cv::Mat Tile(const cv::Mat& picture) {
  cv::Mat tile(kTile, kTile, CV_8UC3, cv::Scalar::all(255));
  picture.copyTo(
      tile(cv::Rect((kTile - picture.cols) / 2, (kTile - picture.rows) / 2,
                    picture.cols, picture.rows)));
  return tile;
}

}  // namespace

void ContactSheet::AddRow(const cv::Mat& rgb, const std::vector<cv::Mat>& maps,
                          const std::vector<std::string>& lines) {
  CHECK_EQ(maps.size(), columns_.size());
  cv::Mat small;
  cv::resize(rgb, small, Fit(rgb.size()), 0, 0, cv::INTER_AREA);
  Row& row = rows_.emplace_back();
  row.lines = lines;
  row.tiles.push_back(Tile(small));
  for (const cv::Mat& map : maps) {
    cv::Mat resized;
    cv::resize(map, resized, small.size(), 0, 0, cv::INTER_LINEAR);
    row.tiles.push_back(Tile(vision::OverlayMap(small, resized, kMapShare)));
  }
}

cv::Mat ContactSheet::Draw() const {
  CHECK(!rows_.empty());
  const int num_columns = static_cast<int>(columns_.size()) + 1;
  const int width = kTextWidth + num_columns * (kTile + kGap) + kGap;
  const int height =
      kHeaderHeight + num_rows() * (kTile + kGap) + kFooterHeight;
  cv::Mat sheet(height, width, CV_8UC3, cv::Scalar::all(255));
  const auto left = [](int column) {
    return kTextWidth + kGap + column * (kTile + kGap);
  };
  for (int column = 0; column < num_columns; ++column) {
    const std::string title = Printable(
        column == 0 ? "image" : columns_[static_cast<size_t>(column - 1)],
        kTile);
    Write(&sheet, title, left(column) + (kTile - TextWidth(title)) / 2,
          kHeaderHeight - 9);
  }
  for (int r = 0; r < num_rows(); ++r) {
    const Row& row = rows_[static_cast<size_t>(r)];
    const int top = kHeaderHeight + r * (kTile + kGap);
    const int text_height = static_cast<int>(row.lines.size()) * kLineHeight;
    int y = top + (kTile - text_height) / 2 + kLineHeight - 4;
    for (const std::string& line : row.lines) {
      Write(&sheet, Printable(line, kTextWidth - 2 * kGap), kGap, y);
      y += kLineHeight;
    }
    for (int column = 0; column < num_columns; ++column) {
      row.tiles[static_cast<size_t>(column)].copyTo(
          sheet(cv::Rect(left(column), top, kTile, kTile)));
    }
  }
  Write(&sheet, Printable(kLegend, width - 2 * kGap), kGap,
        height - kFooterHeight / 2 + 5);
  return sheet;
}

}  // namespace wsol
