// The main() of every test: GoogleTest's, with glog on standard error.

#include "glog/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
// Called by ThreadSanitizer at start (--config=tsan). OpenCV's codecs bring
// GDAL in, whose own locks it takes for a possible deadlock.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "deadlock:libgdal\n";
}
#endif
#endif

int main(int argc, char** argv) {
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
