#include <cstdlib>
#include <cstring>
#include <string>

#include "vision/crf/cuda/emulation.h"
#include "vision/crf/cuda/test_device.h"

namespace vision {

std::string WhyNoDevice() { return ""; }

void SetThreadOrder(uint64_t seed) { cuda_emulation::SetScheduling(seed); }

bool IsEmulated() { return true; }

void* AllocateOnDevice(size_t bytes) {
  void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  // Like a device's memory: anything.
  std::memset(memory, 0xA5, (bytes + 255) / 256 * 256);
  return memory;
}

void FreeOnDevice(void* memory) { std::free(memory); }

void CopyToDevice(const void* from, size_t bytes, void* to) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void CopyFromDevice(const void* from, size_t bytes, void* to) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

double TimeOnDevice(void (*launch)(void*), void* argument) {
  launch(argument);
  return 0;
}

}  // namespace vision
