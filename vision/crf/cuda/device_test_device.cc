#include <cuda_runtime_api.h>

#include <string>

#include "glog/logging.h"
#include "vision/crf/cuda/test_device.h"

namespace vision {
namespace {

void Check(cudaError_t error, const char* what) {
  CHECK(error == cudaSuccess) << what << ": " << cudaGetErrorString(error);
}

}  // namespace

std::string WhyNoDevice() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) {
    return std::string("no CUDA device: ") + cudaGetErrorString(error);
  }
  return count > 0 ? "" : "no CUDA device";
}

void SetThreadOrder(uint64_t /*seed*/) {}

bool IsEmulated() { return false; }

void* AllocateOnDevice(size_t bytes) {
  void* memory = nullptr;
  Check(cudaMalloc(&memory, bytes), "cudaMalloc");
  // Anything but zeros.
  Check(cudaMemset(memory, 0xA5, bytes), "cudaMemset");
  return memory;
}

void FreeOnDevice(void* memory) { Check(cudaFree(memory), "cudaFree"); }

void CopyToDevice(const void* from, size_t bytes, void* to) {
  Check(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), "cudaMemcpy");
}

void CopyFromDevice(const void* from, size_t bytes, void* to) {
  Check(cudaDeviceSynchronize(), "a kernel");
  Check(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost), "cudaMemcpy");
}

double TimeOnDevice(void (*launch)(void*), void* argument) {
  cudaEvent_t begin;
  cudaEvent_t end;
  Check(cudaEventCreate(&begin), "cudaEventCreate");
  Check(cudaEventCreate(&end), "cudaEventCreate");
  Check(cudaEventRecord(begin), "cudaEventRecord");
  launch(argument);
  Check(cudaEventRecord(end), "cudaEventRecord");
  Check(cudaEventSynchronize(end), "a kernel");
  float milliseconds = 0;
  Check(cudaEventElapsedTime(&milliseconds, begin, end),
        "cudaEventElapsedTime");
  Check(cudaEventDestroy(begin), "cudaEventDestroy");
  Check(cudaEventDestroy(end), "cudaEventDestroy");
  return static_cast<double>(milliseconds);
}

}  // namespace vision
