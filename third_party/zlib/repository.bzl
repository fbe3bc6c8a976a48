"""zlib, as installed on this machine."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:system_library.bzl", "system_library")

def repo():
    maybe(
        system_library,
        name = "zlib",
        apt_package = "zlib1g-dev",
        build_file = Label("//third_party/zlib:zlib.BUILD.tpl"),
        libraries = ["z"],
        min_version = "1.2",
        prefix_env = "ZLIB_PREFIX",
        probe_headers = ["include/zlib.h"],
        title = "zlib",
        version_header = "include/zlib.h",
        version_macros = ["ZLIB_VERSION"],
    )
