"""Google Benchmark, as installed on this machine."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:system_library.bzl", "system_library")

def repo():
    maybe(
        system_library,
        name = "com_github_google_benchmark",
        apt_package = "libbenchmark-dev",
        build_file = Label("//third_party/benchmark:benchmark.BUILD.tpl"),
        libraries = ["benchmark", "pthread"],
        min_version = "1.7",
        pkg_config = "benchmark",
        prefix_env = "BENCHMARK_PREFIX",
        probe_headers = ["include/benchmark/benchmark.h"],
        title = "Google Benchmark",
    )
