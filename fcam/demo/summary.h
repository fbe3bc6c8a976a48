// The numbers of a demo run, as the JSON file that programs read.

#ifndef FCAM_DEMO_SUMMARY_H_
#define FCAM_DEMO_SUMMARY_H_

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fcam {

// Localization metrics of one kind of map on the test split, in percent.
struct MapScores {
  // MaxBoxAcc: largest contour, IoU 0.5.
  double max_box_acc = 0;
  // MaxBoxAccV2: all contours, mean over IoU 0.3, 0.5 and 0.7.
  double max_box_acc_v2 = 0;
  // The three parts of it: IoU 0.3, 0.5 and 0.7.
  std::array<double, 3> box_acc_v2 = {};
  double pxap = 0;
};

struct DemoSummary {
  // "Objects20", "Birds16".
  std::string data;
  int num_classes = 0;
  int image_size = 0;
  int64_t num_train = 0;
  int64_t num_val = 0;
  int64_t num_test = 0;
  // Wall time of each step, in the order they were done.
  std::vector<std::pair<std::string, double>> seconds;
  // Top-1 on the test split, percent.
  double classifier_accuracy = 0;
  MapScores cam;
  MapScores fcam;
  MapScores center;
  MapScores constant;
  // The same on the validation split: what hyper-parameters are chosen by.
  double val_classifier_accuracy = 0;
  MapScores val_cam;
  MapScores val_fcam;
  uint64_t seed = 0;
  int num_threads = 0;
  bool fast = false;
};

// {"data": {...}, "seconds": {...}, "classifier": {"accuracy"}, "cam":
// {"MaxBoxAcc", "MaxBoxAccV2", "BoxAccV2": {"30", "50", "70"}, "PxAP"}, "fcam",
// "baselines": {"center", "constant"}, "val": {"accuracy", "cam", "fcam"},
// "version", "seed", "threads", "fast"}, indented; percentages as numbers.
std::string SummaryToJson(const DemoSummary& summary);

}  // namespace fcam

#endif  // FCAM_DEMO_SUMMARY_H_
