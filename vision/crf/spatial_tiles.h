// The spatial Gaussian of an image as few functions on each of its tiles.
//
//   exp(-|x - y|^2 / (2 sigma^2)) ~ sum_mn f_m(x) C_mn f_n(y)
//
// for x in one tile and y in another or the same, with 16 functions f on a tile
// and a matrix C that depends on the two tiles' distance only. Seen as a matrix
// this is P K P, with K the Gaussian and P the projection onto the functions:
// symmetric positive semidefinite by construction. One tile is enough for a
// kernel of the order of the image; else tiles are about two sigma wide, so
// that work per pixel does not grow with the image.

#ifndef VISION_CRF_SPATIAL_TILES_H_
#define VISION_CRF_SPATIAL_TILES_H_

#include <vector>

namespace vision {

struct SpatialTiles {
  static constexpr int kFunctions = 16;

  // A value for each function, aligned to vectors.
  struct alignas(64) Row {
    float values[kFunctions];
  };

  // All tiles are of one size; the last ones may reach beyond the image.
  int tile_height = 0;
  int tile_width = 0;
  int rows = 0;  // Of tiles.
  int columns = 0;

  // f_m(x, y) = functions_x[x][m] functions_y[y][m], x and y within the tile:
  // [tile_width] and [tile_height].
  std::vector<Row> functions_x;
  std::vector<Row> functions_y;

  // Of a tile that lies `dy` and `dx` tiles further: C_mn, [m, n], with m the
  // function at the place of output. C of tiles further than the reach is
  // negligible, C of a tile with itself is the identity. Empty for one tile.
  int row_reach = 0;
  int column_reach = 0;
  // [2 row_reach + 1, 2 column_reach + 1, kFunctions].
  std::vector<Row> couplings;

  // The kFunctions rows of C of (dy, dx), or nullptr if it is negligible.
  const Row* Coupling(int dy, int dx) const;
};

// The tiles for which 16 functions leave an error of at most `tolerance` on the
// diagonal of the kernel within a tile, whose values are one there. Sides and
// sigma positive. Microseconds to milliseconds: keep the result for images of
// one size.
SpatialTiles PlanSpatialTiles(int height, int width, double sigma,
                              double tolerance);

}  // namespace vision

#endif  // VISION_CRF_SPATIAL_TILES_H_
