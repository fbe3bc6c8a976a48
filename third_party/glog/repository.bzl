"""glog, as installed on this machine."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:system_library.bzl", "system_library")

def repo():
    maybe(
        system_library,
        name = "com_github_google_glog",
        apt_package = "libgoogle-glog-dev",
        build_file = Label("//third_party/glog:glog.BUILD.tpl"),
        libraries = ["glog"],
        min_version = "0.6",
        pkg_config = "libglog",
        prefix_env = "GLOG_PREFIX",
        probe_headers = ["include/glog/logging.h"],
        title = "glog",
    )
