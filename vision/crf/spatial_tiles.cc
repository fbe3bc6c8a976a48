#include "vision/crf/spatial_tiles.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "vision/crf/low_rank_gaussian.h"

namespace vision {
namespace {

constexpr size_t kFunctions = SpatialTiles::kFunctions;

// The diagonal of the spatial kernel, one, is where a truncation shows most,
// and towards the tile's border: it is evaluated there and at some points
// between.
std::vector<int> SamplePositions(int size) {
  constexpr int kSamples = 17;
  std::vector<int> positions;
  for (int s = 0; s < kSamples; ++s) {
    const int position =
        static_cast<int>(static_cast<int64_t>(size - 1) * s / (kSamples - 1));
    if (positions.empty() || positions.back() != position) {
      positions.push_back(position);
    }
  }
  return positions;
}

// A function of x times one of y.
struct Product {
  double energy;
  int a, b;
};

// The products to take, at most kFunctions, in the order of their energy, or
// none if that many do not bring the diagonal close to one.
std::vector<Product> ChooseProducts(const LowRankGaussian& along_x,
                                    const LowRankGaussian& along_y,
                                    double tolerance) {
  std::vector<Product> products;
  for (int a = 0; a < along_x.rank; ++a) {
    for (int b = 0; b < along_y.rank; ++b) {
      products.push_back({along_x.energies[a] * along_y.energies[b], a, b});
    }
  }
  std::stable_sort(products.begin(), products.end(),
                   [](const Product& left, const Product& right) {
                     return left.energy > right.energy;
                   });
  // Those up to kFunctions cost nothing.
  if (products.size() > kFunctions) products.resize(kFunctions);
  for (const int y : SamplePositions(along_y.size)) {
    for (const int x : SamplePositions(along_x.size)) {
      double diagonal = 0;
      for (const Product& product : products) {
        const double phi =
            along_x
                .functions[static_cast<size_t>(product.a) * along_x.size + x] *
            along_y
                .functions[static_cast<size_t>(product.b) * along_y.size + y];
        diagonal += phi * phi;
      }
      if (1 - diagonal > tolerance) return {};
    }
  }
  return products;
}

// sum_xy f_a(x) K(x, y + distance) f_b(y) / (|f_a|^2 |f_b|^2), [a, b]: the
// coefficients of the projected Gaussian.
std::vector<double> CoupleAlongAxis(const LowRankGaussian& functions,
                                    double sigma, int distance) {
  const int size = functions.size;
  const int rank = functions.rank;
  std::vector<double> kernel(2 * static_cast<size_t>(size) - 1);
  for (int d = 1 - size; d < size; ++d) {
    const double t = (distance - d) / sigma;  // y + distance - x, x - y = d.
    kernel[d + size - 1] = std::exp(-0.5 * t * t);
  }
  std::vector<double> result(static_cast<size_t>(rank) * rank, 0.0);
  std::vector<double> blurred(size);
  for (int b = 0; b < rank; ++b) {
    const double* f_b =
        functions.functions.data() + static_cast<size_t>(b) * size;
    for (int x = 0; x < size; ++x) {
      // kernel[x - y + size - 1] for y = 0, 1, ...
      const double* k = kernel.data() + x + size - 1;
      double sum = 0;
      for (int y = 0; y < size; ++y) sum += k[-y] * f_b[y];
      blurred[x] = sum;
    }
    for (int a = 0; a < rank; ++a) {
      const double* f_a =
          functions.functions.data() + static_cast<size_t>(a) * size;
      double sum = 0;
      for (int x = 0; x < size; ++x) sum += f_a[x] * blurred[x];
      result[static_cast<size_t>(a) * rank + b] =
          sum / (functions.energies[a] * functions.energies[b]);
    }
  }
  return result;
}

// How many tiles away the Gaussian is below 1e-6 of its middle.
int Reach(int tiles, int tile_size, double sigma) {
  const int reach = 1 + static_cast<int>(5.3 * sigma / tile_size);
  return std::min(tiles - 1, reach);
}

}  // namespace

const SpatialTiles::Row* SpatialTiles::Coupling(int dy, int dx) const {
  if (std::abs(dy) > row_reach || std::abs(dx) > column_reach) return nullptr;
  const size_t row = static_cast<size_t>(dy + row_reach);
  const size_t column = static_cast<size_t>(dx + column_reach);
  return couplings.data() +
         (row * (2 * static_cast<size_t>(column_reach) + 1) + column) *
             kFunctions;
}

SpatialTiles PlanSpatialTiles(int height, int width, double sigma,
                              double tolerance) {
  const auto ceil_divide = [](int a, int b) { return (a + b - 1) / b; };
  // Sides that are likely to do; then smaller ones. Four functions along each
  // axis are all there are of a tile of 4 x 4 pixels, which ends the loop.
  const auto count_for = [&](int side) {
    const double tiles = std::ceil(side / (2.25 * sigma));
    return static_cast<int>(
        std::clamp(tiles, 1.0, static_cast<double>(ceil_divide(side, 4))));
  };
  SpatialTiles tiles;
  tiles.columns = count_for(width);
  tiles.rows = count_for(height);
  std::optional<LowRankGaussian> along_x, along_y;
  std::vector<Product> products;
  while (true) {
    tiles.tile_width = ceil_divide(width, tiles.columns);
    tiles.tile_height = ceil_divide(height, tiles.rows);
    // One-dimensional factors are made so accurate that they are eigenfunctions
    // of the Gaussian, which makes a tile's coupling with itself the identity.
    along_x = FactorizeGaussian(tiles.tile_width, sigma, 1e-5 * tolerance,
                                tiles.tile_width);
    along_y = tiles.tile_width == tiles.tile_height
                  ? along_x
                  : FactorizeGaussian(tiles.tile_height, sigma,
                                      1e-5 * tolerance, tiles.tile_height);
    products = ChooseProducts(*along_x, *along_y, tolerance);
    if (!products.empty()) break;
    if (tiles.tile_width >= tiles.tile_height) {
      ++tiles.columns;
    } else {
      ++tiles.rows;
    }
  }
  // Fewer tiles may be enough with this size.
  tiles.columns = ceil_divide(width, tiles.tile_width);
  tiles.rows = ceil_divide(height, tiles.tile_height);

  tiles.functions_x.assign(tiles.tile_width, SpatialTiles::Row{});
  tiles.functions_y.assign(tiles.tile_height, SpatialTiles::Row{});
  for (size_t m = 0; m < products.size(); ++m) {
    for (int x = 0; x < tiles.tile_width; ++x) {
      tiles.functions_x[x].values[m] = static_cast<float>(
          along_x->functions[static_cast<size_t>(products[m].a) *
                                 tiles.tile_width +
                             x]);
    }
    for (int y = 0; y < tiles.tile_height; ++y) {
      tiles.functions_y[y].values[m] = static_cast<float>(
          along_y->functions[static_cast<size_t>(products[m].b) *
                                 tiles.tile_height +
                             y]);
    }
  }

  if (tiles.rows == 1 && tiles.columns == 1) return tiles;
  tiles.row_reach = Reach(tiles.rows, tiles.tile_height, sigma);
  tiles.column_reach = Reach(tiles.columns, tiles.tile_width, sigma);
  std::vector<std::vector<double>> of_x, of_y;
  for (int dx = -tiles.column_reach; dx <= tiles.column_reach; ++dx) {
    of_x.push_back(CoupleAlongAxis(*along_x, sigma, dx * tiles.tile_width));
  }
  for (int dy = -tiles.row_reach; dy <= tiles.row_reach; ++dy) {
    of_y.push_back(CoupleAlongAxis(*along_y, sigma, dy * tiles.tile_height));
  }
  tiles.couplings.assign(of_x.size() * of_y.size() * kFunctions,
                         SpatialTiles::Row{});
  SpatialTiles::Row* coupling = tiles.couplings.data();
  for (const std::vector<double>& cy : of_y) {
    for (const std::vector<double>& cx : of_x) {
      for (size_t m = 0; m < products.size(); ++m) {
        for (size_t n = 0; n < products.size(); ++n) {
          coupling[m].values[n] = static_cast<float>(
              cx[static_cast<size_t>(products[m].a) * along_x->rank +
                 products[n].a] *
              cy[static_cast<size_t>(products[m].b) * along_y->rank +
                 products[n].b]);
        }
      }
      coupling += kFunctions;
    }
  }
  return tiles;
}

}  // namespace vision
