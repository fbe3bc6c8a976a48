#include "wsol/cli/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "glog/logging.h"

namespace wsol {
namespace {

std::atomic<bool> installed{false};
// Lock-free, and so fit for a signal handler.
std::atomic<int> signals{0};
static_assert(std::atomic<int>::is_always_lock_free);

// Calls async-signal-safe functions only.
void HandleSignal(int signal) {
  const int previous_errno = errno;
  if (signals.fetch_add(1) > 0) _exit(128 + signal);
  constexpr char kMessage[] =
      "\ninterrupted: finishing up; once more to stop at once\n";
  // A failure to say so changes nothing.
  const ssize_t written = write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
  (void)written;
  errno = previous_errno;
}

}  // namespace

InterruptHandler::InterruptHandler() {
  CHECK(!installed.exchange(true)) << "two InterruptHandlers at a time";
  signals = 0;
  struct sigaction action = {};
  action.sa_handler = HandleSignal;
  sigemptyset(&action.sa_mask);
  // Libraries below do not expect their system calls to be cut short.
  action.sa_flags = SA_RESTART;
  PCHECK(sigaction(SIGINT, &action, &previous_int_) == 0);
  PCHECK(sigaction(SIGTERM, &action, &previous_term_) == 0);
}

InterruptHandler::~InterruptHandler() {
  sigaction(SIGINT, &previous_int_, nullptr);
  sigaction(SIGTERM, &previous_term_, nullptr);
  signals = 0;
  installed = false;
}

bool InterruptRequested() {
  return signals.load(std::memory_order_relaxed) > 0;
}

}  // namespace wsol
