#include "wsol/datasets/miniature.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "glog/logging.h"
#include "gtest/gtest.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"

namespace wsol {

std::unique_ptr<Dataset> Miniature::Open(const char* kind, Split split) const {
  absl::StatusOr<Dataset> dataset =
      Dataset::Open(data.MetadataDir(kind, split), data.image_root);
  CHECK(dataset.ok()) << dataset.status();
  return std::make_unique<Dataset>(*std::move(dataset));
}

Miniature MakeMiniature() {
  SyntheticOptions options;
  options.source_dir = ::testing::TestDataPath("wsol/datasets/objects20");
  options.size = kMiniatureSize;
  options.train_per_class = 2;
  options.val_per_class = 1;
  options.test_per_class = 1;
  absl::StatusOr<SyntheticDataset> data = ComposeDataset(
      options, vision::JoinPath(::testing::TempDir(), "miniature"));
  CHECK(data.ok()) << data.status();
  return {*std::move(data)};
}

std::unique_ptr<Loader> MakeMiniatureLoader(const Dataset& dataset,
                                            bool training) {
  LoaderOptions options;
  options.batch_size = 8;
  options.shuffle = training;
  options.augment = training;
  options.resize = kMiniatureSize + 4;
  options.crop = kMiniatureSize;
  absl::StatusOr<std::unique_ptr<Loader>> loader =
      Loader::Create(&dataset, options);
  CHECK(loader.ok()) << loader.status();
  return *std::move(loader);
}

}  // namespace wsol
