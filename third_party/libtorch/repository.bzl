"""LibTorch, as installed on this machine: a CPU build, or with --config=cuda
(FCAM_LIBTORCH_CUDA=1) a CUDA one, such as the `torch` package of PyPI."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load(
    "//third_party:system_library.bzl",
    "PREFIX_VARIABLES",
    "SYSTEM_LIBRARY_ATTRS",
    "find_prefix",
    "find_version",
    "link_options",
    "write_build_file",
)

_CUDA_VARIABLE = "FCAM_LIBTORCH_CUDA"

def _require_glog(ctx, prefix):
    # A LibTorch without glog brings LOG and CHECK macros of its own, which
    # clash with glog's in every file that sees both.
    path = prefix + "/include/c10/macros/cmake_macros.h"
    if "#define C10_USE_GLOG" in ctx.read(path):
        return
    fail("\n".join([
        "",
        "@libtorch needs a LibTorch built with glog: without it, LibTorch's own LOG and CHECK macros clash with glog's.",
        "Looked in:",
        "  {}: C10_USE_GLOG is not defined".format(path),
        "To fix it, either",
        "  * install Debian's build:  sudo apt-get install libtorch-dev",
        "  * or point to another:     bazel build --repo_env=LIBTORCH_PREFIX=/path/to/prefix ...",
    ]))

def _require_cuda(ctx, prefix):
    path = prefix + "/lib/libtorch_cuda.so"
    if ctx.path(path).exists:
        return
    fail("\n".join([
        "",
        "@libtorch needs a CUDA build of LibTorch for --config=cuda.",
        "Looked in:",
        "  {}: not found".format(path),
        "To fix it, point to one:  bazel build --config=cuda --repo_env=LIBTORCH_PREFIX=/path/to/site-packages/torch ...",
    ]))

def _impl(ctx):
    prefix = find_prefix(ctx)

    # Where the macros went in 2.14; the old header includes it.
    new_header = "include/torch/headeronly/version.h"
    version = find_version(
        ctx,
        prefix,
        version_header = new_header if ctx.path(prefix + "/" + new_header).exists else None,
    )
    libraries = link_options(ctx, prefix, ctx.attr.libraries)
    if ctx.os.environ.get(_CUDA_VARIABLE, "0") == "1":
        # Packages of PyPI have no glog; --config=cuda is for targets none of
        # whose files see both LibTorch's logging and glog's, as //vision/crf.
        _require_cuda(ctx, prefix)
        libraries += [
            # Nothing refers to it: its operators register themselves.
            "-Wl,--no-as-needed",
            "-ltorch_cuda",
            "-Wl,--as-needed",
            "-lc10_cuda",
            # cuDNN and the like are found when a program starts.
            "-Wl,--allow-shlib-undefined",
        ]
    else:
        _require_glog(ctx, prefix)
    write_build_file(ctx, prefix, version, libraries)

_libtorch = repository_rule(
    implementation = _impl,
    attrs = SYSTEM_LIBRARY_ATTRS,
    configure = True,
    environ = PREFIX_VARIABLES + [_CUDA_VARIABLE],
    local = True,
)

def repo():
    maybe(
        _libtorch,
        name = "libtorch",
        apt_package = "libtorch-dev libopenblas0-pthread",
        build_file = Label("//third_party/libtorch:libtorch.BUILD.tpl"),
        include_links = {"include/torch/csrc/api/include": "api"},
        libraries = ["torch", "torch_cpu", "c10"],
        min_version = "1.13",
        prefix_env = "LIBTORCH_PREFIX",
        probe_headers = [
            "include/ATen/ATen.h",
            "include/torch/csrc/api/include/torch/torch.h",
        ],
        title = "LibTorch",
        version_header = "include/torch/csrc/api/include/torch/version.h",
        version_macros = [
            "TORCH_VERSION_MAJOR",
            "TORCH_VERSION_MINOR",
            "TORCH_VERSION_PATCH",
        ],
    )
