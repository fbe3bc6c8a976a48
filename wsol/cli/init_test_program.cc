// A program as small as can be, for init_test to run.

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "absl/status/status.h"
#include "gflags/gflags.h"
#include "glog/logging.h"
#include "wsol/cli/init.h"
#include "wsol/cli/interrupt.h"

DEFINE_string(mode, "ok", "What to do: ok, fail, throw, log, wait or hang.");
DEFINE_int64(seed, 0, "Seed of all that is random.");
DEFINE_double(learning_rate, 0.1, "Step of the optimizer.");
DEFINE_bool(fast, false, "Less of everything.");

namespace {

absl::Status Run() {
  if (FLAGS_mode == "ok") {
    std::cout << "seed " << FLAGS_seed << " fast " << FLAGS_fast << " threads "
              << wsol::NumThreads() << std::endl;
    return absl::OkStatus();
  }
  if (FLAGS_mode == "fail") {
    return absl::NotFoundError("no file 'x'\nin two lines");
  }
  if (FLAGS_mode == "throw") throw std::runtime_error("thrown");
  if (FLAGS_mode == "log") {
    LOG(INFO) << "informed";
    LOG(WARNING) << "warned";
    return absl::OkStatus();
  }
  // wait, hang: until a signal comes, which only the former obeys.
  std::cout << "waiting" << std::endl;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < end) {
    if (FLAGS_mode == "wait" && wsol::InterruptRequested()) {
      return absl::CancelledError("the same command goes on");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return absl::DeadlineExceededError("no signal came");
}

}  // namespace

int main(int argc, char** argv) {
  return wsol::RunMain(argc, argv, "Does what --mode says.", Run);
}
