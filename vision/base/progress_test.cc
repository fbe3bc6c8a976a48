#include "vision/base/progress.h"

#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace vision {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

// Progress that writes to a string and whose time the test sets.
class ProgressTest : public ::testing::Test {
 protected:
  ProgressOptions Options(bool terminal) {
    ProgressOptions options;
    options.stream = &stream_;
    options.terminal = terminal;
    options.columns = 80;
    options.clock = [this] { return now_; };
    return options;
  }

  // What was written since the last call.
  std::string Take() {
    std::string text = stream_.str();
    stream_.str("");
    return text;
  }

  std::ostringstream stream_;
  absl::Time now_ = absl::UnixEpoch();
};

TEST_F(ProgressTest, DrawsABarOnATerminal) {
  Progress progress("train", 120, Options(/*terminal=*/true));
  EXPECT_EQ(Take(), "\rtrain [--------------------]   0% 0/120\x1b[K");
  now_ += absl::Seconds(5);
  progress.SetNote("loss 0.412");
  progress.Advance(60);
  // 60 in 5 seconds are 12 each second; as many are left.
  EXPECT_EQ(Take(),
            "\rtrain [##########----------]  50% 60/120  12.0/s  ETA 5s  "
            "loss 0.412\x1b[K");
  now_ += absl::Seconds(1);
  progress.Advance(60);
  progress.Finish();
  EXPECT_THAT(Take(), EndsWith("\rtrain [####################] 100% 120/120  "
                               "20.0/s  took 6s  loss 0.412\x1b[K\n"));
}

TEST_F(ProgressTest, RedrawsAtMostTenTimesASecond) {
  Progress progress("x", 1000, Options(/*terminal=*/true));
  Take();
  for (int i = 0; i < 1000; ++i) {
    now_ += absl::Milliseconds(1);
    progress.Advance();
  }
  const std::vector<std::string> draws = absl::StrSplit(Take(), '\r');
  EXPECT_THAT(draws, SizeIs(1 + 10));  // Nothing before the first \r.
}

TEST_F(ProgressTest, CutsTheLineToTheTerminal) {
  ProgressOptions options = Options(/*terminal=*/true);
  options.columns = 12;
  // Two-byte characters count as one column and are never cut apart.
  Progress progress("\u00e4\u00f6\u00fc", 5, options);
  EXPECT_EQ(Take(), "\r\u00e4\u00f6\u00fc [------\x1b[K");
}

TEST_F(ProgressTest, WritesALineEachTenthElsewhere) {
  Progress progress("train", 100, Options(/*terminal=*/false));
  EXPECT_THAT(Take(), IsEmpty());
  for (int i = 0; i < 20; ++i) {
    now_ += absl::Milliseconds(500);
    progress.Advance();
  }
  // 2 items each second; 90 and 80 are left.
  EXPECT_EQ(Take(),
            "train  10% 10/100  2.0/s  ETA 45s\n"
            "train  20% 20/100  2.0/s  ETA 40s\n");
}

TEST_F(ProgressTest, WritesALineEachTenSecondsElsewhere) {
  Progress progress("train", 100000, Options(/*terminal=*/false));
  for (int i = 0; i < 21; ++i) {
    now_ += absl::Seconds(1);
    progress.Advance();
  }
  EXPECT_EQ(Take(),
            "train   0% 10/100000  1.0/s  ETA 27h46m\n"
            "train   0% 20/100000  1.0/s  ETA 27h46m\n");
}

TEST_F(ProgressTest, AShortLoopWritesOneLineElsewhere) {
  {
    Progress progress("test", 100, Options(/*terminal=*/false));
    for (int i = 0; i < 100; ++i) {
      now_ += absl::Milliseconds(5);
      progress.Advance();
    }
    EXPECT_THAT(Take(), IsEmpty());
  }  // Finishes.
  EXPECT_EQ(Take(), "test 100% 100/100  200/s  took 1s\n");
}

TEST_F(ProgressTest, UnknownTotalHasNoBarAndNoEta) {
  Progress progress("read", 0, Options(/*terminal=*/true));
  Take();
  now_ += absl::Seconds(4);
  progress.Advance(2);
  EXPECT_EQ(Take(), "\rread 2  0.500/s\x1b[K");
}

TEST_F(ProgressTest, MoreThanTheTotalStaysAtAHundredPercent) {
  Progress progress("x", 2, Options(/*terminal=*/true));
  Take();
  now_ += absl::Seconds(1);
  progress.Advance(3);
  EXPECT_EQ(Take(), "\rx [####################] 100% 3/2  3.0/s  ETA 0s\x1b[K");
}

TEST_F(ProgressTest, AnUnfinishedLoopDoesNotClaimToBeDone) {
  {
    Progress progress("x", 3, Options(/*terminal=*/false));
    now_ += absl::Seconds(90);
    progress.Advance(2);
    Take();
  }
  EXPECT_EQ(Take(), "x  66% 2/3  0.022/s  took 1m30s\n");
}

TEST_F(ProgressTest, NothingFollowsFinish) {
  Progress progress("x", 3, Options(/*terminal=*/true));
  progress.Finish();
  Take();
  now_ += absl::Seconds(60);
  progress.Advance();
  progress.SetNote("late");
  progress.Finish();
  EXPECT_THAT(Take(), IsEmpty());
}

TEST_F(ProgressTest, PrintsNothingWhenDisabled) {
  ProgressOptions options = Options(/*terminal=*/true);
  options.enabled = false;
  {
    Progress progress("x", 3, options);
    progress.SetNote("note");
    now_ += absl::Seconds(60);
    progress.Advance();
  }
  EXPECT_THAT(Take(), IsEmpty());
}

TEST_F(ProgressTest, TextStaysOnOneLine) {
  Progress progress("a\nb", 3, Options(/*terminal=*/false));
  progress.SetNote("c\r\x1b[2Jd");
  progress.Finish();
  EXPECT_EQ(Take(), "a b   0% 0/3  took 0s  c  [2Jd\n");
}

TEST_F(ProgressTest, AnyThreadMayAdvance) {
  Progress progress("x", 4000, Options(/*terminal=*/false));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&progress] {
      for (int j = 0; j < 1000; ++j) {
        progress.Advance();
        progress.SetNote("note");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  progress.Finish();
  EXPECT_THAT(Take(), StartsWith("x 100% 4000/4000"));
}

TEST_F(ProgressTest, AStreamIsNoTerminalUnlessSaidSo) {
  ProgressOptions options = Options(/*terminal=*/false);
  options.terminal = std::nullopt;
  Progress progress("x", 3, options);
  progress.Finish();
  EXPECT_THAT(Take(), Not(HasSubstr("\r")));
}

}  // namespace
}  // namespace vision
