"""gflags, as installed on this machine."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:system_library.bzl", "system_library")

def repo():
    maybe(
        system_library,
        name = "com_github_gflags_gflags",
        apt_package = "libgflags-dev",
        build_file = Label("//third_party/gflags:gflags.BUILD.tpl"),
        libraries = ["gflags"],
        min_version = "2.2",
        pkg_config = "gflags",
        prefix_env = "GFLAGS_PREFIX",
        probe_headers = ["include/gflags/gflags.h"],
        title = "gflags",
    )
