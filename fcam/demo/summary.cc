#include "fcam/demo/summary.h"

#include "fcam/version.h"
#include "nlohmann/json.hpp"

namespace fcam {
namespace {

// Keeps keys in the order they are written.
using Json = nlohmann::ordered_json;

constexpr const char* kIouPercents[] = {"30", "50", "70"};

Json ScoresToJson(const MapScores& scores) {
  Json box_acc = Json::object();
  for (size_t i = 0; i < scores.box_acc_v2.size(); ++i) {
    box_acc[kIouPercents[i]] = scores.box_acc_v2[i];
  }
  return {{"MaxBoxAcc", scores.max_box_acc},
          {"MaxBoxAccV2", scores.max_box_acc_v2},
          {"BoxAccV2", box_acc},
          {"PxAP", scores.pxap}};
}

}  // namespace

std::string SummaryToJson(const DemoSummary& summary) {
  Json seconds = Json::object();
  for (const auto& [step, value] : summary.seconds) seconds[step] = value;
  const Json json = {
      {"data",
       {{"name", summary.data},
        {"classes", summary.num_classes},
        {"image_size", summary.image_size},
        {"train", summary.num_train},
        {"val", summary.num_val},
        {"test", summary.num_test}}},
      {"seconds", seconds},
      {"classifier", {{"accuracy", summary.classifier_accuracy}}},
      {"cam", ScoresToJson(summary.cam)},
      {"fcam", ScoresToJson(summary.fcam)},
      {"baselines",
       {{"center", ScoresToJson(summary.center)},
        {"constant", ScoresToJson(summary.constant)}}},
      {"val",
       {{"accuracy", summary.val_classifier_accuracy},
        {"cam", ScoresToJson(summary.val_cam)},
        {"fcam", ScoresToJson(summary.val_fcam)}}},
      {"version", kVersion},
      {"seed", summary.seed},
      {"threads", summary.num_threads},
      {"fast", summary.fast}};
  return json.dump(2) + "\n";
}

}  // namespace fcam
