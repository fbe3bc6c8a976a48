// Extended log barrier: turns an inequality f <= 0 into a differentiable
// penalty that is defined on both sides of the constraint.
//
//   ElbSchedule schedule(ElbOptions{});
//   at::Tensor loss = ExtendedLogBarrier(-sizes, schedule.t());
//   schedule.Update();  // After each epoch: a sharper barrier.

#ifndef FCAM_LOSSES_ELB_H_
#define FCAM_LOSSES_ELB_H_

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"

namespace fcam {

// Returns the mean over the elements of `f`, any non-empty shape, floating
// point, of
//   -(1/t) log(-f)                    where f <= -1/t^2,
//   t f - (1/t) log(1/t^2) + 1/t      elsewhere,
// with t > 0 (Kervadec et al., Constrained deep networks: Lagrangian
// optimization via log-barrier extensions, 2019). As t grows it approaches the
// hard constraint. Continuous with its first derivative.
//
// Gradient of an element before the mean: -1/(t f), respectively t. Finite for
// finite f. Throws c10::Error if t is not positive or f is empty.
at::Tensor ExtendedLogBarrier(const at::Tensor& f, double t);

struct ElbOptions {
  // t of the first epoch, > 0.
  double init_t = 1.0;
  // Largest t, >= init_t.
  double max_t = 10.0;
  // Factor applied to t after each epoch, >= 1.
  double mulcoef = 1.01;

  absl::Status Validate() const;
};

// t over the epochs: t <- min(t * mulcoef, max_t) at each update. 1 to 10 takes
// 232 updates at 1.01.
// NOTE(reference): the published code keeps t in float32; here it is a double,
// 3e-6 apart after 200 updates.
class ElbSchedule {
 public:
  // `options` must be valid.
  explicit ElbSchedule(const ElbOptions& options)
      : options_(options), t_(options.init_t) {}

  double t() const { return t_; }

  // Call once after every epoch, whether or not a loss used t in it.
  void Update();

  // Puts a saved t back when training resumes; must be positive.
  void set_t(double t);

 private:
  ElbOptions options_;
  double t_;
};

}  // namespace fcam

#endif  // FCAM_LOSSES_ELB_H_
