// Files of weights that Python reads, from dense tensors in memory.
//
//   std::vector<DenseTensor> tensors = ...;
//   VISION_ASSIGN_OR_RETURN(const FilePieces file, MakeTorchZip(tensors));
//   VISION_RETURN_IF_ERROR(WriteFileAtomically("a.pt", file.pieces));
//
// The values are not copied: a file is a list of pieces, some of which are the
// tensors' own bytes.

#ifndef VISION_WEIGHTS_CHECKPOINT_WRITER_H_
#define VISION_WEIGHTS_CHECKPOINT_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "vision/weights/dtype.h"
#include "vision/weights/file_pieces.h"

namespace vision {

struct DenseTensor {
  std::string name;
  DType dtype = DType::kFloat32;
  // Not negative.
  std::vector<int64_t> shape;
  // All elements in row-major order; must outlive the pieces.
  absl::string_view values;
};

// What torch.save writes of an OrderedDict of the tensors: a zip archive that
// torch.load reads, also with weights_only. Values start at multiples of 64
// bytes. Tensors of the same dtype and bytes in memory share one storage, as in
// Python. Files and storages may be larger than 4 GiB. Reads the values, for
// their checksums. kInvalidArgument for names that occur twice, for values of
// another size than the shape's, and for names of 4 GiB and more.
absl::StatusOr<FilePieces> MakeTorchZip(absl::Span<const DenseTensor> tensors);

// The same of one tensor by itself, as torch.save(tensor, path) writes it; its
// name has no effect.
absl::StatusOr<FilePieces> MakeTorchZipOfTensor(const DenseTensor& tensor);

// A .safetensors file, with the header in the order of `tensors` and the values
// aligned to their type. Its format has no sharing: such tensors are written
// each. kInvalidArgument as above, and for names that are not UTF-8 or are
// "__metadata__".
absl::StatusOr<FilePieces> MakeSafetensors(
    absl::Span<const DenseTensor> tensors);

}  // namespace vision

#endif  // VISION_WEIGHTS_CHECKPOINT_WRITER_H_
