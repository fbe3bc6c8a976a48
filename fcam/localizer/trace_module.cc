#include "fcam/localizer/trace_module.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <memory>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "ATen/ATen.h"
#include "ATen/core/ivalue.h"
#include "ATen/core/jit_type.h"
#include "ATen/core/qualified_name.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "c10/util/Optional.h"
#include "torch/csrc/jit/api/compilation_unit.h"
#include "torch/csrc/jit/api/module.h"
#include "torch/csrc/jit/frontend/tracer.h"
#include "torch/csrc/jit/ir/constants.h"
#include "torch/csrc/jit/ir/ir.h"
#include "torch/csrc/jit/runtime/graph_executor.h"
#include "torch/csrc/jit/serialization/import.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"

namespace fcam {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

constexpr char kForward[] = "forward";

// "vision::(anonymous namespace)::ResNet" -> "ResNet".
std::string TypeName(const torch::nn::Module& module) {
  const std::string full = module.name();
  const size_t colons = full.rfind("::");
  std::string name;
  for (const char c :
       full.substr(colons == std::string::npos ? 0 : colons + 2)) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c))) name += c;
  }
  if (name.empty() ||
      absl::ascii_isdigit(static_cast<unsigned char>(name[0]))) {
    name = absl::StrCat("Module", name);
  }
  return name;
}

// The same tree of modules with the same tensors, not copies: the tracer knows
// them by identity.
torch::jit::Module Mirror(
    const torch::nn::Module& module, const std::string& name,
    const std::shared_ptr<torch::jit::CompilationUnit>& unit) {
  torch::jit::Module mirror(
      c10::QualifiedName(absl::StrCat("__torch__.fcam.", name)), unit,
      /*shouldMangle=*/true);
  // Python's eval() sets it.
  mirror.register_attribute("training", c10::BoolType::get(),
                            module.is_training());
  for (const auto& item : module.named_parameters(/*recurse=*/false)) {
    mirror.register_parameter(item.key(), item.value(), /*is_buffer=*/false);
  }
  for (const auto& item : module.named_buffers(/*recurse=*/false)) {
    mirror.register_buffer(item.key(), item.value());
  }
  for (const auto& item : module.named_children()) {
    mirror.register_module(
        item.key(), Mirror(*item.value(), TypeName(*item.value()), unit));
  }
  return mirror;
}

std::shared_ptr<Graph> Record(
    torch::jit::Module& mirror,
    absl::FunctionRef<std::vector<at::Tensor>(const at::Tensor&)> forward,
    const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  // Gradients are asked for so that the networks take the operators that every
  // device has, not those of their fast inference on CPUs.
  at::Tensor images = at::remainder(at::arange(count, at::kFloat) * 0.618f, 1)
                          .view(shape)
                          .set_requires_grad(true);
  auto traced = torch::jit::tracer::trace(
      {images},
      [&](const torch::jit::Stack& inputs) -> torch::jit::Stack {
        std::vector<c10::IValue> outputs;
        for (at::Tensor& output : forward(inputs[0].toTensor())) {
          outputs.emplace_back(std::move(output));
        }
        return {c10::ivalue::Tuple::create(std::move(outputs))};
      },
      [](const at::Tensor&) { return std::string(); }, /*strict=*/true,
      /*force_outplace=*/false, &mirror, {"images"});
  return traced.first->graph;
}

// Positions of the same value in each recording.
using ValueList = std::vector<Value*>;

// The sizes of a tensor in each recording, empty if they are not known.
std::vector<std::vector<int64_t>> SizesOf(const ValueList& values) {
  std::vector<std::vector<int64_t>> sizes;
  for (const Value* const value : values) {
    const auto type = value->type()->cast<c10::TensorType>();
    if (type == nullptr) return {};
    auto concrete = type->sizes().concrete_sizes();
    if (!concrete.has_value()) return {};
    sizes.push_back(*std::move(concrete));
    if (sizes.back().size() != sizes.front().size()) return {};
  }
  return sizes;
}

bool SameConstant(const c10::IValue& a, const c10::IValue& b) {
  if (a.tagKind() != b.tagKind()) return false;
  if (!a.isTensor()) return a == b;
  const at::Tensor x = a.toTensor();
  const at::Tensor y = b.toTensor();
  return x.sizes() == y.sizes() && x.scalar_type() == y.scalar_type() &&
         x.equal(y);
}

absl::Status Differ(const Node& node, absl::string_view how) {
  return absl::UnimplementedError(
      absl::StrCat("recordings for different image sizes differ in more than "
                   "sizes of tensors: ",
                   node.kind().toQualString(), " ", how));
}

// Compares the recordings node by node and makes the first one general.
absl::Status JoinRecordings(const std::vector<std::shared_ptr<Graph>>& graphs) {
  // Tensors that are computed so far, and their sizes.
  struct Known {
    Value* value;
    std::vector<std::vector<int64_t>> sizes;
  };
  std::vector<Known> known;
  // Numbers the values of each graph alike, to compare who reads what.
  std::vector<std::unordered_map<const Value*, size_t>> numbers(graphs.size());
  const auto add_value = [&](const ValueList& values) {
    for (size_t g = 0; g < graphs.size(); ++g) {
      numbers[g].emplace(values[g], numbers[g].size());
    }
    auto sizes = SizesOf(values);
    if (!sizes.empty()) known.push_back({values[0], std::move(sizes)});
  };

  // Done last, so that what reads a value can be compared until then.
  std::vector<std::pair<Value*, Value*>> replaced;

  std::vector<std::vector<Node*>> nodes;
  for (const auto& graph : graphs) {
    nodes.emplace_back();
    for (Node* const node : graph->nodes()) nodes.back().push_back(node);
    if (nodes.back().size() != nodes.front().size() ||
        graph->inputs().size() != graphs[0]->inputs().size()) {
      return absl::UnimplementedError(absl::StrCat(
          "recordings for different image sizes have ", nodes.front().size(),
          " and ", nodes.back().size(), " operations"));
    }
  }
  for (size_t i = 0; i < graphs[0]->inputs().size(); ++i) {
    ValueList values;
    for (const auto& graph : graphs) values.push_back(graph->inputs()[i]);
    add_value(values);
  }

  for (size_t i = 0; i < nodes[0].size(); ++i) {
    Node& first = *nodes[0][i];
    for (size_t g = 1; g < graphs.size(); ++g) {
      const Node& other = *nodes[g][i];
      if (other.kind() != first.kind() ||
          other.inputs().size() != first.inputs().size() ||
          other.outputs().size() != first.outputs().size()) {
        return Differ(first,
                      absl::StrCat("meets ", other.kind().toQualString()));
      }
      for (size_t k = 0; k < first.inputs().size(); ++k) {
        if (numbers[0].at(first.inputs()[k]) !=
            numbers[g].at(other.inputs()[k])) {
          return Differ(first, "reads another value");
        }
      }
    }
    if (first.kind() == c10::prim::Constant) {
      std::vector<c10::optional<c10::IValue>> values;
      bool same = true;
      for (size_t g = 0; g < graphs.size(); ++g) {
        values.push_back(torch::jit::toIValue(nodes[g][i]->output()));
        // None has no value.
        if (values[g].has_value() != values[0].has_value()) {
          return Differ(first, "is there or not");
        }
        same = same &&
               (!values[0].has_value() || SameConstant(*values[0], *values[g]));
      }
      if (!same) {
        const auto agrees = [&](const Known& tensor, size_t axis,
                                int64_t factor) {
          for (size_t g = 0; g < graphs.size(); ++g) {
            if (!values[g]->isInt() ||
                tensor.sizes[g][axis] * factor != values[g]->toInt()) {
              return false;
            }
          }
          return true;
        };
        // The latest tensors first: the earlier ones may be freed by then.
        Value* replacement = nullptr;
        for (auto it = known.rbegin(); it != known.rend(); ++it) {
          for (size_t axis = 0; axis < it->sizes[0].size(); ++axis) {
            for (const int64_t factor : {1, 2}) {
              if (replacement != nullptr || !agrees(*it, axis, factor))
                continue;
              const torch::jit::WithInsertPoint point(&first);
              replacement = graphs[0]->insert(
                  c10::aten::size, {it->value, static_cast<int64_t>(axis)});
              if (factor != 1) {
                replacement =
                    graphs[0]->insert(c10::aten::mul, {replacement, factor});
              }
            }
          }
          if (replacement != nullptr) break;
        }
        if (replacement == nullptr) {
          std::ostringstream text;
          for (const auto& value : values) text << " " << *value;
          return Differ(first, absl::StrCat("has the values", text.str(),
                                            ", no sizes of one tensor"));
        }
        replaced.emplace_back(first.output(), replacement);
      }
    } else {
      for (const auto name : first.attributeNames()) {
        for (size_t g = 1; g < graphs.size(); ++g) {
          if (!nodes[g][i]->hasAttribute(name)) {
            return Differ(first, "has another attribute");
          }
        }
      }
    }
    for (size_t k = 0; k < first.outputs().size(); ++k) {
      ValueList values;
      for (size_t g = 0; g < graphs.size(); ++g) {
        values.push_back(nodes[g][i]->outputs()[k]);
      }
      add_value(values);
    }
  }
  for (const auto& [constant, size] : replaced) {
    constant->replaceAllUsesWith(size);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> TraceModule(
    torch::nn::Module& module, absl::string_view name,
    const std::map<std::string, std::string>& extra_files,
    absl::FunctionRef<std::vector<at::Tensor>(const at::Tensor&)> forward,
    const std::vector<std::vector<int64_t>>& shapes) {
  if (shapes.empty()) {
    return absl::InvalidArgumentError("no shapes to record a module with");
  }
  return vision::CallTorch(
      "recording a module", [&]() -> absl::StatusOr<std::string> {
        const at::AutoGradMode records_gradients(true);
        const auto unit = std::make_shared<torch::jit::CompilationUnit>();
        torch::jit::Module mirror = Mirror(module, std::string(name), unit);
        std::vector<std::shared_ptr<Graph>> graphs;
        for (const std::vector<int64_t>& shape : shapes) {
          graphs.push_back(Record(mirror, forward, shape));
        }
        VISION_RETURN_IF_ERROR(JoinRecordings(graphs));
        graphs[0]->lint();
        torch::jit::Function* const function = unit->create_function(
            c10::QualifiedName(*mirror.type()->name(), kForward), graphs[0]);
        mirror.type()->addMethod(function);
        std::ostringstream file;
        mirror.save(file, {extra_files.begin(), extra_files.end()});
        return std::move(file).str();
      });
}

absl::StatusOr<std::vector<at::Tensor>> RunTraced(const std::string& file,
                                                  const at::Tensor& images) {
  return vision::CallTorch(
      "running a recorded module",
      [&]() -> absl::StatusOr<std::vector<at::Tensor>> {
        const at::NoGradGuard no_grad;
        const torch::jit::GraphOptimizerEnabledGuard plain(false);
        std::istringstream stream(file);
        torch::jit::Module module = torch::jit::load(stream);
        const c10::IValue output = module.forward({images});
        std::vector<at::Tensor> tensors;
        for (const c10::IValue& value : output.toTupleRef().elements()) {
          tensors.push_back(value.toTensor());
        }
        return tensors;
      });
}

}  // namespace fcam
