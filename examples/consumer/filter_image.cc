// Smooths a noisy mask along the edges of an image with the bilateral filter of
// a dense CRF, from a workspace that depends on fcam's vision library alone.

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "vision/crf/bilateral_filter.h"

int main() {
  constexpr int kSide = 64;
  constexpr int kPixels = kSide * kSide;
  // A red square on a blue ground, and a mask of it with every fifth pixel
  // wrong.
  std::vector<float> rgb(3 * kPixels, 0.0f);
  std::vector<float> mask(kPixels);
  std::vector<bool> truth(kPixels);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const int p = y * kSide + x;
      truth[p] = x >= 16 && x < 48 && y >= 16 && y < 48;
      rgb[truth[p] ? p : 2 * kPixels + p] = 255.0f;
      const bool wrong = (x + 2 * y) % 5 == 0;
      mask[p] = truth[p] != wrong ? 1.0f : -1.0f;
    }
  }

  vision::BilateralFilterOptions options;
  options.sigma_xy_pixels = 10;
  const absl::StatusOr<std::unique_ptr<vision::BilateralFilter>> filter =
      vision::BilateralFilter::Create(rgb.data(), kSide, kSide, options);
  std::vector<float> filtered(kPixels);
  const absl::Status status =
      filter.ok() ? (*filter)->Apply(mask.data(), 1, filtered.data())
                  : filter.status();
  if (!status.ok()) {
    std::fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
    return 1;
  }

  int wrong_before = 0;
  int wrong_after = 0;
  for (int p = 0; p < kPixels; ++p) {
    wrong_before += (mask[p] > 0) != truth[p];
    wrong_after += (filtered[p] > 0) != truth[p];
  }
  std::printf("filtered %d x %d pixels: %d wrong before, %d after\n", kSide,
              kSide, wrong_before, wrong_after);
  return wrong_after < wrong_before ? 0 : 1;
}
