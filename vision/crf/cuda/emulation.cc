#include "vision/crf/cuda/emulation.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "glog/logging.h"

#if defined(__SANITIZE_ADDRESS__)
#define VISION_EMULATION_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VISION_EMULATION_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define VISION_EMULATION_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define VISION_EMULATION_TSAN 1
#endif
#endif
#ifdef VISION_EMULATION_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef VISION_EMULATION_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#if defined(__x86_64__) && defined(__linux__)
#define VISION_EMULATION_X86 1
// Stores the callee-saved registers on the stack and its pointer in *rdi, and
// continues from the stack whose pointer is rsi. swapcontext() asks the kernel
// for the signal mask each time, which takes twenty times as long.
extern "C" void vision_emulation_switch(void** from, void* to);
asm(R"(
.text
.p2align 4
.hidden vision_emulation_switch
.type vision_emulation_switch, @function
vision_emulation_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size vision_emulation_switch, .-vision_emulation_switch
)");
#else
#include <ucontext.h>
#endif

namespace vision {
namespace cuda_emulation {

Dim3 threadIdx;
Dim3 blockIdx;
Dim3 blockDim;
Dim3 gridDim;

namespace {

constexpr size_t kStackBytes = size_t{256} << 10;

// Where a suspended fiber, or the scheduler, goes on.
#ifdef VISION_EMULATION_X86

using Context = void*;  // Its stack pointer.

Context MakeContext(char* stack, void (*main)()) {
  // What the switch pops: six registers and the address of `main`, which finds
  // the stack as after a call, 8 bytes off a multiple of 16.
  uintptr_t top = reinterpret_cast<uintptr_t>(stack + kStackBytes);
  top = top / 16 * 16 - 16;
  void** frame = reinterpret_cast<void**>(top) - 6;
  std::fill(frame, frame + 8, nullptr);
  frame[6] = reinterpret_cast<void*>(main);
  return frame;
}

void SwitchContext(Context& from, Context& to) {
  vision_emulation_switch(&from, to);
}

#else

using Context = ucontext_t;

Context MakeContext(char* stack, void (*main)()) {
  Context context;
  CHECK_EQ(getcontext(&context), 0);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = kStackBytes;
  context.uc_link = nullptr;
  makecontext(&context, main, 0);
  return context;
}

void SwitchContext(Context& from, Context& to) {
  CHECK_EQ(swapcontext(&from, &to), 0);
}

#endif

enum class State { kReady, kAtBarrier, kAtCollective, kEnded };

// A stack to run threads on.
struct Fiber {
  Context context = {};
  // Not a vector: untouched pages of a stack should cost nothing.
  std::unique_ptr<char[]> stack;
  void* fake_stack = nullptr;       // AddressSanitizer's.
  void* sanitizer_fiber = nullptr;  // ThreadSanitizer's.
};

struct Thread {
  State state = State::kEnded;
  Fiber* fiber = nullptr;  // While it runs or waits.
  size_t next_shared = 0;
};

struct Warp {
  int waiting = 0;
  const char* name = nullptr;
  std::array<void*, kWarpSize> arguments = {};
};

uint64_t scheduling_seed = 0;

// Fibers, kept for later launches, and what runs them.
struct Scheduler {
  std::vector<Fiber*> idle;
  Fiber* current = nullptr;
  Context context = {};
  // For the sanitizers.
  void* fake_stack = nullptr;
  void* sanitizer_fiber = nullptr;
  const void* stack = nullptr;
  size_t stack_bytes = 0;
};

Scheduler& GetScheduler() {
  static Scheduler& scheduler = *new Scheduler;
  return scheduler;
}

// The threads of one block, used again for each block of a launch.
class Block {
 public:
  Block(size_t threads, const std::function<void()>& body)
      : body_(body), threads_(threads), warps_(threads / kWarpSize) {}

  // Runs all threads to their end.
  void Run(std::mt19937_64& random);

  void SyncBlock();
  void WarpCollective(const char* name, void* argument,
                      void (*combine)(void* const* arguments));
  void* SharedMemory(size_t bytes);

 private:
  // What each fiber runs: one thread after the other.
  [[noreturn]] static void Main();
  static Fiber* MakeFiber();
  // From the scheduler to a fiber, and back from the one that runs.
  static void SwitchTo(Fiber& fiber);
  static void Yield();
  // Makes `thread` the running one.
  void Enter(size_t thread);
  void MakeReady(size_t thread);

  const std::function<void()>& body_;
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  // Threads that have not begun, in reverse order, and those that may go on.
  std::vector<size_t> unstarted_;
  std::vector<size_t> ready_;
  size_t current_ = 0;
  size_t at_barrier_ = 0;

  // Each object has memory of its own, for AddressSanitizer to see its ends.
  struct Shared {
    std::unique_ptr<char[]> memory;
    size_t bytes;
  };
  std::vector<Shared> shared_;
};

Block* running_block = nullptr;

void Block::Main() {
  Scheduler& scheduler = GetScheduler();
#ifdef VISION_EMULATION_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &scheduler.stack,
                                  &scheduler.stack_bytes);
#endif
  while (true) {
    // A thread that ends makes room for the next one at once, so that kernels
    // without barriers run on one fiber.
    Block& block = *running_block;
    while (!block.unstarted_.empty()) {
      const size_t thread = block.unstarted_.back();
      block.unstarted_.pop_back();
      block.Enter(thread);
      block.threads_[thread].fiber = scheduler.current;
      block.body_();
      block.threads_[thread].state = State::kEnded;
    }
    scheduler.idle.push_back(scheduler.current);
    Yield();
  }
}

void Block::Enter(size_t thread) {
  current_ = thread;
  threadIdx = Dim3(static_cast<unsigned>(thread), 0, 0);
}

void Block::SwitchTo(Fiber& fiber) {
  Scheduler& scheduler = GetScheduler();
  scheduler.current = &fiber;
#ifdef VISION_EMULATION_ASAN
  __sanitizer_start_switch_fiber(&scheduler.fake_stack, fiber.stack.get(),
                                 kStackBytes);
#endif
#ifdef VISION_EMULATION_TSAN
  __tsan_switch_to_fiber(fiber.sanitizer_fiber, 0);
#endif
  SwitchContext(scheduler.context, fiber.context);
#ifdef VISION_EMULATION_ASAN
  __sanitizer_finish_switch_fiber(scheduler.fake_stack, nullptr, nullptr);
#endif
}

void Block::Yield() {
  Scheduler& scheduler = GetScheduler();
  Fiber& fiber = *scheduler.current;
#ifdef VISION_EMULATION_ASAN
  __sanitizer_start_switch_fiber(&fiber.fake_stack, scheduler.stack,
                                 scheduler.stack_bytes);
#endif
#ifdef VISION_EMULATION_TSAN
  __tsan_switch_to_fiber(scheduler.sanitizer_fiber, 0);
#endif
  SwitchContext(fiber.context, scheduler.context);
#ifdef VISION_EMULATION_ASAN
  __sanitizer_finish_switch_fiber(fiber.fake_stack, nullptr, nullptr);
#endif
}

void Block::MakeReady(size_t thread) {
  threads_[thread].state = State::kReady;
  ready_.push_back(thread);
}

void Block::Run(std::mt19937_64& random) {
  for (const Shared& shared : shared_) {
    std::memset(shared.memory.get(), 0xFF, shared.bytes);
  }
  const bool descending = scheduling_seed == 1 || scheduling_seed == 3;
  const bool depth_first = scheduling_seed == 2 || scheduling_seed == 3;
  const auto put_in_order = [&](std::vector<size_t>& turn) {
    std::sort(turn.begin(), turn.end());
    if (descending) std::reverse(turn.begin(), turn.end());
    if (scheduling_seed > 3) std::shuffle(turn.begin(), turn.end(), random);
  };
  for (size_t thread = 0; thread < threads_.size(); ++thread) {
    threads_[thread].next_shared = 0;
    unstarted_.push_back(thread);
  }
  put_in_order(unstarted_);
  std::reverse(unstarted_.begin(), unstarted_.end());
  const auto resume = [&](size_t thread) {
    Enter(thread);
    SwitchTo(*threads_[thread].fiber);
  };
  std::vector<Fiber*>& idle = GetScheduler().idle;
  std::vector<size_t> turn;
  while (!ready_.empty() || !unstarted_.empty()) {
    if (depth_first && !ready_.empty()) {
      const size_t thread = ready_.back();
      ready_.pop_back();
      resume(thread);
    } else if (!unstarted_.empty()) {
      if (idle.empty()) idle.push_back(MakeFiber());
      Fiber& fiber = *idle.back();
      idle.pop_back();
      SwitchTo(fiber);
    } else {
      // All that can run go once, then those that have become ready meanwhile.
      turn.clear();
      turn.swap(ready_);
      put_in_order(turn);
      for (const size_t thread : turn) resume(thread);
    }
  }
  for (size_t thread = 0; thread < threads_.size(); ++thread) {
    const State state = threads_[thread].state;
    if (state == State::kEnded) continue;
    LOG(FATAL) << "Deadlock in an emulated kernel: thread " << thread
               << " of block (" << blockIdx.x << ", " << blockIdx.y << ", "
               << blockIdx.z << ") waits at "
               << (state == State::kAtBarrier ? "a block barrier"
                                              : warps_[thread / kWarpSize].name)
               << " that others have passed by or ended before";
  }
}

Fiber* Block::MakeFiber() {
  Fiber* fiber = new Fiber;  // Kept for good.
  fiber->stack.reset(new char[kStackBytes]);
  fiber->context = MakeContext(fiber->stack.get(), &Block::Main);
#ifdef VISION_EMULATION_TSAN
  fiber->sanitizer_fiber = __tsan_create_fiber(0);
#endif
  return fiber;
}

void Block::SyncBlock() {
  threads_[current_].state = State::kAtBarrier;
  if (++at_barrier_ == threads_.size()) {
    at_barrier_ = 0;
    for (size_t thread = 0; thread < threads_.size(); ++thread) {
      MakeReady(thread);
    }
  }
  Yield();
}

void Block::WarpCollective(const char* name, void* argument,
                           void (*combine)(void* const* arguments)) {
  const size_t first = current_ / kWarpSize * kWarpSize;
  Warp& warp = warps_[current_ / kWarpSize];
  if (warp.waiting > 0) {
    CHECK_STREQ(warp.name, name) << "Lanes of a warp of block " << blockIdx.x
                                 << " wait at different collectives; thread "
                                 << current_ << " is one of them";
  }
  warp.name = name;
  warp.arguments[current_ - first] = argument;
  threads_[current_].state = State::kAtCollective;
  if (++warp.waiting == kWarpSize) {
    warp.waiting = 0;
    if (combine != nullptr) combine(warp.arguments.data());
    for (size_t lane = 0; lane < kWarpSize; ++lane) MakeReady(first + lane);
  }
  Yield();
}

void* Block::SharedMemory(size_t bytes) {
  const size_t index = threads_[current_].next_shared++;
  if (index == shared_.size()) {
    shared_.push_back({std::make_unique<char[]>(bytes), bytes});
    std::memset(shared_.back().memory.get(), 0xFF, bytes);
  }
  CHECK_EQ(shared_[index].bytes, bytes)
      << "Threads of a block declare shared memory in different orders";
  return shared_[index].memory.get();
}

Block& RunningBlock() {
  CHECK(running_block != nullptr) << "Device code outside of a launch";
  return *running_block;
}

}  // namespace

void SetScheduling(uint64_t seed) { scheduling_seed = seed; }

void Launch(Dim3 grid, Dim3 block, const std::function<void()>& body) {
  CHECK(running_block == nullptr) << "A launch within a launch";
  CHECK(block.x > 0 && block.x % kWarpSize == 0 && block.x <= 1024)
      << "A block has 32 to 1024 threads, whole warps; got " << block.x;
  CHECK(block.y == 1 && block.z == 1) << "Blocks are one-dimensional";
  CHECK(grid.x > 0 && grid.y > 0 && grid.z > 0) << "An empty grid";
  CHECK(grid.y <= 65535 && grid.z <= 65535) << "A grid too large for CUDA";
  blockDim = block;
  gridDim = grid;
  std::mt19937_64 random(scheduling_seed);
  std::vector<size_t> order(size_t{grid.x} * grid.y * grid.z);
  std::iota(order.begin(), order.end(), size_t{0});
  if (scheduling_seed % 2 == 1) std::reverse(order.begin(), order.end());
  if (scheduling_seed > 3) std::shuffle(order.begin(), order.end(), random);
  Block threads(block.x, body);
  running_block = &threads;
#ifdef VISION_EMULATION_TSAN
  GetScheduler().sanitizer_fiber = __tsan_get_current_fiber();
#endif
  for (const size_t index : order) {
    blockIdx = Dim3(static_cast<unsigned>(index % grid.x),
                    static_cast<unsigned>(index / grid.x % grid.y),
                    static_cast<unsigned>(index / grid.x / grid.y));
    threads.Run(random);
  }
  running_block = nullptr;
}

void SyncBlock() { RunningBlock().SyncBlock(); }

void WarpCollective(const char* name, void* argument,
                    void (*combine)(void* const* arguments)) {
  RunningBlock().WarpCollective(name, argument, combine);
}

void* SharedMemory(size_t bytes) { return RunningBlock().SharedMemory(bytes); }

}  // namespace cuda_emulation
}  // namespace vision
