// bilateral_filter_kernels.h on the host, from the source of the device.
// NOLINTNEXTLINE(bugprone-suspicious-include)
#include "vision/crf/cuda/bilateral_filter_kernels.cu"
