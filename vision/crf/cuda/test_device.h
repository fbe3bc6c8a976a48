// The device that a test of kernels runs on: a CUDA device, or the emulation.
// Which one is a matter of the library that a test is linked with.

#ifndef VISION_CRF_CUDA_TEST_DEVICE_H_
#define VISION_CRF_CUDA_TEST_DEVICE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace vision {

// Empty if there is a device, else why not.
std::string WhyNoDevice();

// The order in which the emulation runs threads (see emulation.h); nothing on a
// device, which has an order of its own.
void SetThreadOrder(uint64_t seed);
bool IsEmulated();

void* AllocateOnDevice(size_t bytes);
void FreeOnDevice(void* memory);
void CopyToDevice(const void* from, size_t bytes, void* to);
// Waits for the device first.
void CopyFromDevice(const void* from, size_t bytes, void* to);
// Runs `launch` and returns the milliseconds that the device took for it.
double TimeOnDevice(void (*launch)(void*), void* argument);

// An array of device memory.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(size_t size)
      : size_(size),
        data_(static_cast<T*>(AllocateOnDevice(size * sizeof(T))),
              FreeOnDevice) {}
  explicit DeviceArray(const std::vector<T>& values)
      : DeviceArray(values.size()) {
    CopyToDevice(values.data(), size_ * sizeof(T), data());
  }

  T* data() { return data_.get(); }
  size_t size() const { return size_; }

  std::vector<T> Read() const {
    std::vector<T> values(size_);
    CopyFromDevice(data_.get(), size_ * sizeof(T), values.data());
    return values;
  }

 private:
  size_t size_;
  std::unique_ptr<T, void (*)(void*)> data_;
};

}  // namespace vision

#endif  // VISION_CRF_CUDA_TEST_DEVICE_H_
