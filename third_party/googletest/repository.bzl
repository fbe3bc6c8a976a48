"""GoogleTest, as installed on this machine."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:system_library.bzl", "system_library")

def repo():
    maybe(
        system_library,
        name = "com_google_googletest",
        apt_package = "libgmock-dev",
        build_file = Label("//third_party/googletest:googletest.BUILD.tpl"),
        libraries = ["gmock", "gtest", "pthread"],
        min_version = "1.12",
        pkg_config = "gtest",
        prefix_env = "GTEST_PREFIX",
        probe_headers = ["include/gmock/gmock.h"],
        title = "GoogleTest",
    )
