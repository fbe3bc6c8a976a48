// Ctrl-C as a question that long work asks itself, so that it can leave a
// usable state behind.
//
//   InterruptHandler handler;
//   for (...) {
//     if (InterruptRequested()) {
//       VISION_RETURN_IF_ERROR(SaveState());
//       return absl::CancelledError("stopped in epoch 3; the same command goes
//       on");
//     }
//   }

#ifndef WSOL_CLI_INTERRUPT_H_
#define WSOL_CLI_INTERRUPT_H_

#include <csignal>

namespace wsol {

// Catches SIGINT and SIGTERM from construction to destruction, which restores
// what was there before. The first signal says so on standard error and makes
// InterruptRequested() true; a second one ends the process at once with exit
// code 128 + signal. At most one object at a time.
class InterruptHandler {
 public:
  InterruptHandler();
  InterruptHandler(const InterruptHandler&) = delete;
  InterruptHandler& operator=(const InterruptHandler&) = delete;
  ~InterruptHandler();

 private:
  struct sigaction previous_int_;
  struct sigaction previous_term_;
};

// Whether a signal came since the InterruptHandler in force was made. False
// without one. Any thread may ask; costs a load.
bool InterruptRequested();

}  // namespace wsol

#endif  // WSOL_CLI_INTERRUPT_H_
