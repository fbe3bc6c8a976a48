#include "fcam/demo/recipe.h"

#include <set>
#include <string>

#include "fcam/demo/demo_options.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace fcam {
namespace {

using ::testing::IsOk;

DemoOptions Options() {
  DemoOptions options;
  options.output_dir = "out";
  options.data_dir = "data";
  return options;
}

TEST(RecipeTest, IsValidInEveryVariant) {
  for (const bool fast : {false, true}) {
    for (const wsol::SyntheticKind kind :
         {wsol::SyntheticKind::kObjects20, wsol::SyntheticKind::kBirds16}) {
      DemoOptions options = Options();
      options.fast = fast;
      options.data = kind;
      const DemoRecipe recipe = MakeDemoRecipe(options);
      EXPECT_THAT(recipe.classifier_training.Validate(), IsOk());
      EXPECT_THAT(recipe.fcam.Validate(), IsOk());
      EXPECT_THAT(recipe.fcam_training.Validate(), IsOk());
      EXPECT_THAT(recipe.classifier_loader.Validate(), IsOk());
      EXPECT_THAT(recipe.fcam_loader.Validate(), IsOk());
      EXPECT_THAT(recipe.evaluation_loader.Validate(), IsOk());
      EXPECT_FALSE(DescribeRecipe(recipe).empty());
    }
  }
}

TEST(RecipeTest, SeedReachesEveryPartButTheImages) {
  DemoOptions options = Options();
  options.seed = 7;
  const DemoRecipe recipe = MakeDemoRecipe(options);
  EXPECT_EQ(recipe.data.seed, 0u);
  EXPECT_EQ(recipe.classifier.seed, 7u);
  EXPECT_EQ(recipe.fcam.seed, 7u);
  EXPECT_EQ(recipe.fcam_training.seed, 7u);
  EXPECT_EQ(recipe.classifier_loader.seed, 7u);
  EXPECT_EQ(recipe.fcam_loader.seed, 7u);
}

TEST(RecipeTest, FingerprintsTellTrainingsApartThatMustNotBeMixed) {
  DemoOptions options = Options();
  std::set<std::string> classifiers;
  std::set<std::string> fcams;
  const auto add = [&](const DemoRecipe& recipe) {
    classifiers.insert(ClassifierFingerprint(recipe));
    fcams.insert(FcamFingerprint(recipe));
  };
  add(MakeDemoRecipe(options));
  options.seed = 1;
  add(MakeDemoRecipe(options));
  options.fast = true;
  add(MakeDemoRecipe(options));
  options.data = wsol::SyntheticKind::kBirds16;
  add(MakeDemoRecipe(options));
  EXPECT_EQ(classifiers.size(), 4u);
  EXPECT_EQ(fcams.size(), 4u);

  // What only F-CAM depends on changes its fingerprint alone.
  DemoRecipe recipe = MakeDemoRecipe(options);
  recipe.fcam_training.seeds.dilation += 2;
  add(recipe);
  recipe.fcam_training.loss.crf.weight *= 2;
  add(recipe);
  EXPECT_EQ(classifiers.size(), 4u);
  EXPECT_EQ(fcams.size(), 6u);
}

TEST(RecipeTest, ThreadsChangeNoFingerprint) {
  DemoOptions options = Options();
  const std::string one = FcamFingerprint(MakeDemoRecipe(options));
  options.num_threads = 4;
  EXPECT_EQ(FcamFingerprint(MakeDemoRecipe(options)), one);
}

}  // namespace
}  // namespace fcam
