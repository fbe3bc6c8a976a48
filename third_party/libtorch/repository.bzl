"""LibTorch, as installed on this machine (CPU build)."""

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

def _impl(ctx):
    prefix = find_prefix(ctx)
    version = find_version(ctx, prefix)
    _require_glog(ctx, prefix)
    write_build_file(ctx, prefix, version, link_options(ctx, prefix, ctx.attr.libraries))

_libtorch = repository_rule(
    implementation = _impl,
    attrs = SYSTEM_LIBRARY_ATTRS,
    configure = True,
    environ = PREFIX_VARIABLES,
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
