// What a core can do, for benchmarks to compare with.

#ifndef VISION_CRF_MULTIPLY_ADD_PEAK_H_
#define VISION_CRF_MULTIPLY_ADD_PEAK_H_

namespace vision {

// Fused multiplications and additions of floats that one thread does in a
// second with the widest vectors of the CPU: the best of several runs, once for
// a process. Some milliseconds.
double MultiplyAddPeak();

}  // namespace vision

#endif  // VISION_CRF_MULTIPLY_ADD_PEAK_H_
