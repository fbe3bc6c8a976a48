"""kainjow's mustache (header-only HTML templates), as installed on this machine."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:system_library.bzl", "system_library")

def repo():
    maybe(
        system_library,
        name = "mustache",
        apt_package = "libkainjow-mustache-dev",
        build_file = Label("//third_party/mustache:mustache.BUILD.tpl"),
        min_version = "4.1",
        prefix_env = "MUSTACHE_PREFIX",
        probe_headers = ["include/kainjow/mustache.hpp"],
        title = "kainjow mustache",
    )
