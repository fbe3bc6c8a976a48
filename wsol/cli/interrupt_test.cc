#include "wsol/cli/interrupt.h"

#include <unistd.h>

#include <csignal>

#include "gtest/gtest.h"

namespace wsol {
namespace {

TEST(InterruptTest, IsNotRequestedWithoutASignal) {
  EXPECT_FALSE(InterruptRequested());
  const InterruptHandler handler;
  EXPECT_FALSE(InterruptRequested());
}

TEST(InterruptTest, NoticesBothSignalsAndForgetsThemAfterwards) {
  for (const int signal : {SIGINT, SIGTERM}) {
    {
      const InterruptHandler handler;
      std::raise(signal);
      EXPECT_TRUE(InterruptRequested());
    }
    EXPECT_FALSE(InterruptRequested());
  }
}

int earlier_signals = 0;

TEST(InterruptTest, RestoresTheEarlierHandler) {
  const auto before = std::signal(SIGINT, [](int) { ++earlier_signals; });
  {
    const InterruptHandler handler;
    std::raise(SIGINT);
  }
  EXPECT_EQ(earlier_signals, 0);
  std::raise(SIGINT);
  EXPECT_EQ(earlier_signals, 1);
  std::signal(SIGINT, before);
}

TEST(InterruptDeathTest, SecondSignalEndsTheProcess) {
  const auto twice = [](int first, int second) {
    const InterruptHandler handler;
    std::raise(first);
    std::raise(second);
    _exit(0);
  };
  EXPECT_EXIT(twice(SIGINT, SIGINT), ::testing::ExitedWithCode(130),
              "interrupted");
  EXPECT_EXIT(twice(SIGINT, SIGTERM), ::testing::ExitedWithCode(143),
              "interrupted");
}

TEST(InterruptDeathTest, DiesOfTwoHandlers) {
  const InterruptHandler handler;
  EXPECT_DEATH(InterruptHandler(), "two InterruptHandlers");
}

}  // namespace
}  // namespace wsol
