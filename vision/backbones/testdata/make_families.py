"""Writes families.json: what torchvision's and timm's networks compute.

python3 make_families.py, with torchvision and timm installed. Networks other
than ResNets (make_torchvision.py), with the strides they come with.
"""

import json
import math
import zlib

import numpy
import timm
import torch
import torchvision

TORCHVISION = (
    "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19",
    "vgg19_bn", "inception_v3", "mobilenet_v3_large", "efficientnet_b0")
TIMM = ("vit_small_patch16_224", "deit_small_patch16_224")
HEADS = ("fc.", "classifier.", "AuxLogits.", "head.")
LONGEST = 3 * 10**6


def lcg_tables():
  """a^k and c (a^0 + ... + a^(k-1)) mod 2^32, so that x_k = A x_0 + C."""
  a = numpy.ones(1, dtype=numpy.uint32)
  c = numpy.zeros(1, dtype=numpy.uint32)
  while a.size <= LONGEST:
    step_a = numpy.uint32(int(a[-1]) * 1664525 % 2**32)
    step_c = numpy.uint32((int(c[-1]) * 1664525 + 1013904223) % 2**32)
    a, c = (numpy.concatenate([a, a * step_a]),
            numpy.concatenate([c, a * step_c + c]))
  return a, c


A, C = lcg_tables()


def lcg(seed, count):
  x = A[1:count + 1] * numpy.uint32(seed) + C[1:count + 1]
  return torch.from_numpy((x >> 8).astype(numpy.float64) / 2**24)


def fill(net, seed):
  """The rules of golden_weights.h: keyed, norms affine, gain 1."""
  dict_ = net.state_dict()
  for name, tensor in dict_.items():
    if name.endswith("num_batches_tracked") or name.startswith(HEADS):
      continue
    start = (seed + (zlib.crc32(name.encode()) & 0xFFFF)) % 2**32
    v = 2 * lcg(start, tensor.numel()).view(tensor.shape) - 1
    if tensor.dim() > 1:
      tensor.copy_(v * math.sqrt(6 / math.prod(tensor.shape[1:])))
    elif name.rsplit(".", 1)[0] + ".running_mean" not in dict_:
      tensor.copy_(0.1 * v)
    elif name.endswith("weight") or name.endswith("running_var"):
      tensor.copy_(1 + 0.25 * v)
    else:
      tensor.copy_(0.125 * v)


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


def make(name):
  if name in TIMM:
    return timm.create_model(name, dynamic_img_size=True)
  if name == "inception_v3":
    return torchvision.models.inception_v3(init_weights=False)
  return getattr(torchvision.models, name)()


def pyramid(name, net, x):
  """The levels of our networks, f0 left out where it is the images."""
  if name.startswith("vgg"):
    levels = []
    for layer in net.features:
      if isinstance(layer, torch.nn.MaxPool2d):
        levels.append(x)
      x = layer(x)
    return levels + [x]
  if name == "inception_v3":
    f1 = net.Conv2d_2b_3x3(net.Conv2d_2a_3x3(net.Conv2d_1a_3x3(x)))
    f2 = net.Conv2d_3b_1x1(net.maxpool1(f1))
    y = net.maxpool2(net.Conv2d_4a_3x3(f2))
    f3 = net.Mixed_5c(net.Mixed_5b(y))
    y = net.Mixed_6b(net.Mixed_6a(net.Mixed_5d(f3)))
    f4 = net.Mixed_6e(net.Mixed_6d(net.Mixed_6c(y)))
    return [f1, f2, f3, f4, net.Mixed_7c(net.Mixed_7b(net.Mixed_7a(f4)))]
  if name in TIMM:
    n, _, h, w = x.shape
    tokens = net.forward_features(x)[:, 1:]
    return [tokens.transpose(1, 2).reshape(n, -1, h // 16, w // 16)]
  last = {"mobilenet_v3_large": (1, 3, 6, 12, 16),
          "efficientnet_b0": (1, 2, 3, 5, 8)}[name]
  levels = []
  for i, layer in enumerate(net.features):
    x = layer(x)
    if i in last:
      levels.append(x)
  return levels


def main():
  networks = []
  for name in TORCHVISION + TIMM:
    with torch.device("meta"):
      net = make(name)
    items = [(k, v) for k, v in net.state_dict().items()
             if not k.startswith(HEADS)]
    lines = "\n".join(
        "%s %s" % (k, ",".join(map(str, v.shape))) for k, v in items)
    networks.append({
        "name": name, "entries": len(items),
        "parameters": sum(p.numel() for k, p in net.named_parameters()
                          if not k.startswith(HEADS)),
        "parameters_with_head": sum(p.numel() for p in net.parameters()),
        "crc32": zlib.crc32(lines.encode())})
  cases = []
  for name, height, width in (
      ("vgg11_bn", 40, 33), ("vgg16", 33, 40), ("inception_v3", 83, 75),
      ("mobilenet_v3_large", 33, 40), ("efficientnet_b0", 33, 40),
      ("vit_small_patch16_224", 224, 224),
      ("deit_small_patch16_224", 48, 80)):
    net = make(name).double().eval()
    with torch.no_grad():
      fill(net, 100)
      x = (2 * lcg(5, 3 * height * width) - 1).view(1, 3, height, width)
      cases.append({
          "name": name,
          "fill": {"gen": {"kind": "lcg", "seed": 100}, "gain": 1.0,
                   "bn": "affine", "keyed": True},
          "x": {"shape": [1, 3, height, width],
                "gen": {"kind": "lcg", "seed": 5}, "mul": 2.0, "add": -1.0},
          "features": [summary(f) for f in pyramid(name, net, x)]})
  with open("families.json", "w") as file:
    json.dump({"networks": networks, "cases": cases}, file, indent=1)
    file.write("\n")


if __name__ == "__main__":
  main()
