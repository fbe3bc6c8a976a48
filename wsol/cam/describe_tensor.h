// A tensor's type and shape for messages.

#ifndef WSOL_CAM_DESCRIBE_TENSOR_H_
#define WSOL_CAM_DESCRIBE_TENSOR_H_

#include <string>

#include "ATen/core/Tensor.h"

namespace wsol {

// "Float [2, 3, 32, 32]"; "undefined".
std::string DescribeTensor(const at::Tensor& tensor);

}  // namespace wsol

#endif  // WSOL_CAM_DESCRIBE_TENSOR_H_
