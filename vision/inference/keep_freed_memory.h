// Keeps freed memory for the next forward pass instead of giving it back.
//
//   int main() {
//     vision::KeepFreedMemory();
//     ...
//
// Feature maps are tens of megabytes. glibc's malloc takes such blocks from the
// system and returns them at once, so that every pass pays for fresh pages: a
// quarter of a second for 8 images in ResNet-50 with WSOL strides, in virtual
// machines. docs/benchmarks.md has the effect.

#ifndef VISION_INFERENCE_KEEP_FREED_MEMORY_H_
#define VISION_INFERENCE_KEEP_FREED_MEMORY_H_

namespace vision {

// For the whole process, from now on; call it once, before large allocations.
// The process keeps up to 2 GB more than it uses. False, and without effect,
// where malloc is not glibc's.
bool KeepFreedMemory();

}  // namespace vision

#endif  // VISION_INFERENCE_KEEP_FREED_MEMORY_H_
