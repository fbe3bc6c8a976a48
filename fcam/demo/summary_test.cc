#include "fcam/demo/summary.h"

#include <string>

#include "fcam/version.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace fcam {
namespace {

TEST(SummaryTest, HasTheDocumentedKeysAndNumbers) {
  DemoSummary summary;
  summary.data = "Objects20";
  summary.num_classes = 20;
  summary.image_size = 96;
  summary.num_train = 1600;
  summary.num_val = 200;
  summary.num_test = 320;
  summary.seconds = {{"compose", 1.5}, {"total", 2.5}};
  summary.classifier_accuracy = 96.5;
  summary.cam = {71, 62, {{90, 70, 26}}, 65};
  summary.fcam = {81, 72, {{99, 80, 37}}, 78};
  summary.center = {61, 52, {{80, 60, 16}}, 50};
  summary.constant = {41, 32, {{60, 30, 6}}, 25};
  summary.val_classifier_accuracy = 95;
  summary.val_fcam = {82, 73, {{99, 81, 39}}, 79};
  summary.seed = 3;
  summary.num_threads = 2;
  const nlohmann::json json = nlohmann::json::parse(SummaryToJson(summary));
  EXPECT_EQ(json.at("data").at("name"), "Objects20");
  EXPECT_EQ(json.at("data").at("classes"), 20);
  EXPECT_EQ(json.at("data").at("test"), 320);
  EXPECT_EQ(json.at("seconds").at("compose"), 1.5);
  EXPECT_EQ(json.at("seconds").at("total"), 2.5);
  EXPECT_EQ(json.at("classifier").at("accuracy"), 96.5);
  EXPECT_EQ(json.at("cam").at("MaxBoxAcc"), 71);
  EXPECT_EQ(json.at("cam").at("MaxBoxAccV2"), 62);
  EXPECT_EQ(json.at("cam").at("PxAP"), 65);
  EXPECT_EQ(json.at("fcam").at("BoxAccV2").at("70"), 37);
  EXPECT_EQ(json.at("baselines").at("center").at("MaxBoxAccV2"), 52);
  EXPECT_EQ(json.at("baselines").at("constant").at("PxAP"), 25);
  EXPECT_EQ(json.at("val").at("accuracy"), 95);
  EXPECT_EQ(json.at("val").at("fcam").at("PxAP"), 79);
  EXPECT_EQ(json.at("version"), kVersion);
  EXPECT_EQ(json.at("seed"), 3);
  EXPECT_EQ(json.at("threads"), 2);
  EXPECT_EQ(json.at("fast"), false);
}

TEST(SummaryTest, KeepsTheOrderOfSteps) {
  DemoSummary summary;
  summary.seconds = {{"train_classifier", 1}, {"compose", 2}};
  const std::string json = SummaryToJson(summary);
  EXPECT_LT(json.find("train_classifier"), json.find("compose"));
}

}  // namespace
}  // namespace fcam
