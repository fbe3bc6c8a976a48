"""Rules for CUDA sources. Without nvcc their targets are skipped by wildcards."""

load("@local_cuda//:cuda.bzl", "CUDA")

# Compute capabilities of the binaries: A100; RTX 30; L4 and RTX 40; H100; B200;
# RTX 50. Newer devices get the last one's PTX.
CUDA_ARCHITECTURES = [
    "80",
    "86",
    "89",
    "90",
    "100",
    "120",
]

# For targets of other rules that need nvcc or the runtime.
CUDA_COMPATIBLE_WITH = [] if CUDA.found else ["@local_cuda//:found"]

def cuda_library(name, srcs, hdrs = [], textual_hdrs = [], deps = [], tags = [], **kwargs):
    """A library of CUDA sources, compiled by nvcc for CUDA_ARCHITECTURES.

    Args:
      name: name of the library.
      srcs: .cu files. They see their own directory tree, CUDA and the standard
        library: no LibTorch, no Abseil. For each x.cu there is x.ptxas.txt, the
        assembler's report of registers, spills and shared memory.
      hdrs: headers of the library, for C++.
      textual_hdrs: headers that only the sources include.
      deps: C++ libraries to link with.
      tags: tags of all targets.
      **kwargs: further attributes of the cc_library.
    """
    repository = native.repository_name().lstrip("@")
    root = "external/" + repository if repository else "."
    flags = [
        "-std=c++17",
        "-O3",
        "-I" + root,
        "-ccbin " + CUDA.host_compiler,
        "-Xcompiler -fPIC,-Wall,-Wextra",
        "-Xptxas -v",
        "-Werror all-warnings",
        "--threads 2",
    ] + [
        "-gencode arch=compute_{0},code=sm_{0}".format(architecture)
        for architecture in CUDA_ARCHITECTURES
    ] + [
        "-gencode arch=compute_{0},code=compute_{0}".format(CUDA_ARCHITECTURES[-1]),
    ]
    objects = []
    for source in srcs:
        stem = source[:-len(".cu")]
        objects.append(stem + ".cu.o")
        native.genrule(
            name = stem + "_nvcc",
            srcs = [source] + hdrs + textual_hdrs,
            outs = [stem + ".cu.o", stem + ".ptxas.txt"],
            # The version makes a new nvcc compile again.
            cmd = " ".join([
                "# nvcc",
                CUDA.version,
                "\n",
                CUDA.nvcc,
            ] + flags + [
                "-c -o $(location {}.cu.o) $(location {})".format(stem, source),
                "> $(location {0}.ptxas.txt) 2>&1 || {{ grep -v ptxas $(location {0}.ptxas.txt) >&2; exit 1; }}".format(stem),
            ]),
            message = "Compiling for {} GPU architectures".format(len(CUDA_ARCHITECTURES)),
            tags = tags,
            target_compatible_with = CUDA_COMPATIBLE_WITH,
            visibility = ["//visibility:private"],
        )
    native.cc_library(
        name = name,
        srcs = objects,
        hdrs = hdrs,
        # CUDA's runtime is a static library, which only programs link.
        linkstatic = True,
        tags = tags,
        target_compatible_with = CUDA_COMPATIBLE_WITH,
        deps = deps + ["@local_cuda//:runtime"],
        **kwargs
    )
