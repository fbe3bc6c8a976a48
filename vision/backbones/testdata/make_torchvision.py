"""Writes torchvision.json: what torchvision's ResNets compute.

python3 make_torchvision.py, with torchvision installed.
"""

import json
import math
import zlib

import torch
from torchvision.models import resnet

NAMES = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
    "resnext50_32x4d", "wide_resnet50_2")


def lcg(seed, count):
  values = torch.empty(count, dtype=torch.float64)
  x = seed
  for i in range(count):
    x = (1664525 * x + 1013904223) % 2**32
    values[i] = (x >> 8) / 2**24
  return values


def fill(net, seed):
  """The rules of golden_weights.h: keyed, norms affine, gain 1."""
  dict_ = net.state_dict()
  for name, tensor in dict_.items():
    if name.endswith("num_batches_tracked"):
      continue
    start = (seed + (zlib.crc32(name.encode()) & 0xFFFF)) % 2**32
    v = 2 * lcg(start, tensor.numel()).view(tensor.shape) - 1
    if tensor.dim() > 1:
      tensor.copy_(v * math.sqrt(6 / math.prod(tensor.shape[1:])))
    elif name.endswith("weight") or name.endswith("running_var"):
      tensor.copy_(1 + 0.25 * v)
    else:
      tensor.copy_(0.125 * v)


def full(tensor):
  return {"shape": list(tensor.shape), "data": tensor.flatten().tolist()}


def summary(tensor):
  f = tensor.flatten()
  k = torch.arange(f.numel(), dtype=torch.float64)
  at = [int(f.numel() * i / 7) for i in range(7)]
  return {
      "shape": list(tensor.shape), "mean": f.mean().item(),
      "std": f.std(unbiased=False).item(), "sum": f.sum().item(),
      "abs_sum": f.abs().sum().item(), "sq_sum": f.pow(2).sum().item(),
      "min": f.min().item(), "max": f.max().item(),
      "wsum": (f * (k % 97 + 1)).sum().item(),
      "at": [[i, f[i].item()] for i in at]}


def forward(net):
  """Pyramid of torchvision's forward pass, the input left out."""
  x = (2 * lcg(5, 2 * 3 * 33 * 40) - 1).view(2, 3, 33, 40)
  f1 = net.relu(net.bn1(net.conv1(x)))
  f2 = net.layer1(net.maxpool(f1))
  f3 = net.layer2(f2)
  f4 = net.layer3(f3)
  f5 = net.layer4(f4)
  return [summary(f) for f in (f1, f2, f3, f4, f5)]


def main():
  networks = []
  for name in NAMES:
    with torch.device("meta"):
      net = getattr(resnet, name)()
    items = [(k, v) for k, v in net.state_dict().items()
             if not k.startswith("fc.")]
    lines = "\n".join(
        "%s %s" % (k, ",".join(map(str, v.shape))) for k, v in items)
    networks.append({
        "name": name, "entries": len(items),
        "parameters": sum(p.numel() for k, p in net.named_parameters()
                          if not k.startswith("fc.")),
        "crc32": zlib.crc32(lines.encode())})
  cases = []
  for name, block, keywords in (
      ("basic", resnet.BasicBlock, {}),
      ("bottleneck", resnet.Bottleneck, {"groups": 4, "width_per_group": 8})):
    net = resnet.ResNet(block, [2, 1, 1, 1], **keywords)
    # A quarter of the width: less to fill.
    net.inplanes = 16
    net.conv1 = torch.nn.Conv2d(3, 16, 7, 2, 3, bias=False)
    net.bn1 = torch.nn.BatchNorm2d(16)
    for i, blocks in enumerate((2, 1, 1, 1)):
      setattr(net, "layer%d" % (i + 1),
              net._make_layer(block, 16 * 2**i, blocks, 1 if i == 0 else 2))
    del net.fc
    net.double().eval()
    with torch.no_grad():
      fill(net, 100)
      cases.append({
          "name": name, "blocks": [2, 1, 1, 1], "widths": [16, 32, 64, 128],
          "strides": [1, 2, 2, 2], "stem_width": 16,
          "groups": keywords.get("groups", 1),
          "base_width": keywords.get("width_per_group", 64),
          "fill": {"gen": {"kind": "lcg", "seed": 100}, "gain": 1.0,
                   "bn": "affine", "keyed": True},
          "x": {"shape": [2, 3, 33, 40], "gen": {"kind": "lcg", "seed": 5},
                "mul": 2.0, "add": -1.0},
          "features": forward(net)})
  with open("torchvision.json", "w") as file:
    json.dump({"networks": networks, "cases": cases}, file, indent=1)
    file.write("\n")


if __name__ == "__main__":
  main()
