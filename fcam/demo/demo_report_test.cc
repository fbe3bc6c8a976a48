#include "fcam/demo/demo_report.h"

#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "fcam/demo/summary.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "wsol/datasets/composer.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/miniature.h"
#include "wsol/evaluation/split_evaluation.h"
#include "wsol/metrics/baseline_maps.h"
#include "wsol/report/report.h"
#include "wsol/report/table.h"

namespace fcam {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;

TEST(DemoReportTest, ResultTableHasMethodsAndBaselinesByMetric) {
  DemoSummary summary;
  summary.data = "Objects20";
  summary.cam = {71, 62, {{90, 70, 26}}, 65};
  summary.fcam = {81, 72, {{99, 80, 37}}, 78};
  summary.center = {61, 52, {{80, 60, 16}}, 50};
  summary.constant = {41, 32, {{60, 30, 6}}, 25};
  const wsol::Table table = ResultTable(summary);
  ASSERT_THAT(table.Validate(), IsOk());
  std::vector<std::string> names;
  for (const wsol::TableRow& row : table.rows) {
    names.push_back(row.cells[0].text());
  }
  EXPECT_THAT(names, ElementsAre("Constant", "Centre", "CAM", "F-CAM"));
  EXPECT_EQ(table.columns[1].title, "PxAP");
  EXPECT_EQ(table.rows[3].cells[1].value(), 78);
  EXPECT_EQ(table.rows[2].cells[2].value(), 71);
  EXPECT_EQ(table.rows[2].cells[6].value(), 26);
}

TEST(DemoReportTest, ShowsEachImageOnceWithItsBoxes) {
  const wsol::Miniature miniature = wsol::MakeMiniature();
  const auto boxes = miniature.Open("boxes", wsol::Split::kTest);
  const auto masks = miniature.Open("masks", wsol::Split::kTest);
  const auto evaluation = wsol::EvaluateConstantMap(
      {boxes.get(), masks.get()}, wsol::CenterBaselineMap(), {});
  ASSERT_THAT(evaluation, IsOk());
  DemoResults results;
  results.summary.data = "Objects20";
  results.cam.evaluation = *evaluation;
  results.fcam.evaluation = *evaluation;
  cv::Mat map;
  wsol::CenterBaselineMap().convertTo(map, CV_32F);
  results.cam.maps.assign(20, map);
  results.fcam.maps.assign(20, map);
  const auto sheet = vision::ReadFile(miniature.data.contact_sheet);
  ASSERT_THAT(sheet, IsOk());
  results.contact_sheet = *sheet;

  const absl::StatusOr<wsol::Report> report =
      MakeDemoReport(results, *boxes, *masks);
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(wsol::RenderReport(*report), IsOk());
  std::vector<const wsol::ImagePanel*> panels;
  for (const wsol::ReportSection& section : report->sections) {
    for (const wsol::ReportBlock& block : section.blocks) {
      if (const auto* panel = std::get_if<wsol::ImagePanel>(&block)) {
        panels.push_back(panel);
      }
    }
  }
  ASSERT_EQ(panels.size(), 3u);  // Random, hardest, contact sheet.
  EXPECT_EQ(panels[0]->items.size(), 12u);
  EXPECT_EQ(panels[1]->items.size(), 4u);
  std::set<std::string> ids;
  for (const wsol::PanelItem& item : panels[0]->items) {
    ids.insert(item.note);
    ASSERT_EQ(item.images.size(), 5u);
    EXPECT_EQ(item.images[4].label, "Boxes");
    EXPECT_THAT(item.images[4].note, HasSubstr("F-CAM"));
  }
  EXPECT_EQ(ids.size(), 12u);
}

}  // namespace
}  // namespace fcam
