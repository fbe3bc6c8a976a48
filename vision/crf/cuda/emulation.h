// CUDA's execution model on the host, for tests: grids, blocks, warps,
// barriers, warp collectives and shared memory. The kernels of this package are
// compiled against it unchanged (see device.cuh), so that their logic, indices
// and fragment layouts run, under sanitizers too, where there is no GPU.
//
//   cuda_emulation::SetScheduling(3);  // Another order of threads.
//   cuda_emulation::Launch({blocks, images}, {128}, [&] { Kernel(in, out); });
//
// Each thread of a block is a fiber; one runs at a time, until it waits at a
// barrier or a collective. Blocks run one after another. Orders of fibers and
// of blocks are a parameter: a kernel that forgets a barrier gives different
// results in different orders. Wrong use is fatal, with a message: a collective
// that not all 32 lanes reach, lanes at different collectives, a thread that
// ends while others wait for it.
//
// What it does not show: speed, the memory model between threads that run at
// the same time, the last bits of approximate instructions.
//
// Not thread-safe: one launch at a time in a process.

#ifndef VISION_CRF_CUDA_EMULATION_H_
#define VISION_CRF_CUDA_EMULATION_H_

#include <cstddef>
#include <cstdint>
#include <functional>

namespace vision {
namespace cuda_emulation {

struct Dim3 {
  constexpr Dim3(unsigned x_size = 1, unsigned y_size = 1, unsigned z_size = 1)
      : x(x_size), y(y_size), z(z_size) {}

  unsigned x, y, z;
};

constexpr int kWarpSize = 32;

// Of the running thread; the names are CUDA's.
extern Dim3 threadIdx;
extern Dim3 blockIdx;
extern Dim3 blockDim;
extern Dim3 gridDim;

// The order in which later launches run threads and blocks: 0 ascending, all
// threads from one barrier or collective to the next in turn; 1 the same,
// descending; 2 and 3 ascending and descending, each warp as far as it can go
// before the next one; any other value a random order of its own.
void SetScheduling(uint64_t seed);

// Runs `body` once for each thread of the grid. `block` is one-dimensional and
// a multiple of 32.
void Launch(Dim3 grid, Dim3 block, const std::function<void()>& body);

// Waits for all threads of the block.
void SyncBlock();

// Waits for all lanes of the warp. The last one to come calls
// combine(arguments), with the pointers that the 32 lanes passed, to read and
// to write; `name` must be the same for all.
void WarpCollective(const char* name, void* argument,
                    void (*combine)(void* const* arguments));

// The block's next shared object of `bytes`, the same one for all of its
// threads, which must ask for theirs in the same order. Filled with bytes 0xFF
// (NaN), as a kernel may not rely on its content.
void* SharedMemory(size_t bytes);

}  // namespace cuda_emulation
}  // namespace vision

#endif  // VISION_CRF_CUDA_EMULATION_H_
