// Computes what gains from it in bfloat16 while weights, gradients and sums
// stay float32: PyTorch's autocast on the CPU, for a scope.
//
//   {
//     const vision::Autocast autocast(/*enabled=*/true);
//     loss = Loss(model->forward(images));
//   }
//   loss.backward();  // Outside: backward runs in the types of forward.

#ifndef VISION_NN_AUTOCAST_H_
#define VISION_NN_AUTOCAST_H_

namespace vision {

// Convolutions and matrix products of this thread read bfloat16 copies of
// their operands and give bfloat16; losses and reductions read float32, by
// LibTorch's lists of operators. Copies of weights are made once a scope. If
// `enabled` is false it does nothing. The state before comes back at the end of
// the scope, which may lie within another.
class Autocast {
 public:
  explicit Autocast(bool enabled);
  ~Autocast();

  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  const bool enabled_;
  bool was_enabled_ = false;
};

}  // namespace vision

#endif  // VISION_NN_AUTOCAST_H_
