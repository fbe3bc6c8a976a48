"""The C++ rules of this repository: the native ones plus what every target shares.

All BUILD files load their rules from here, so that warnings, the test main and
the smoke tests of benchmarks are set in one place.
"""

_COPTS = [
    "-Wall",
    "-Wextra",
    "-Wnon-virtual-dtor",
    "-Wshadow",
]

def cc_library(copts = [], **kwargs):
    """native.cc_library with the project's warnings."""
    native.cc_library(copts = _COPTS + copts, **kwargs)

def cc_binary(copts = [], **kwargs):
    """native.cc_binary with the project's warnings."""
    native.cc_binary(copts = _COPTS + copts, **kwargs)

def cc_test(copts = [], deps = [], size = "small", **kwargs):
    """native.cc_test with the project's warnings, GoogleTest and its main."""
    native.cc_test(
        copts = _COPTS + copts,
        size = size,
        deps = deps + [
            Label("//testing:test_main"),
            "@com_google_googletest//:gtest",
        ],
        **kwargs
    )

def cc_benchmark(name, srcs, deps = [], copts = [], tags = [], **kwargs):
    """A Google Benchmark binary and a smoke test that runs each case once.

    Args:
      name: ends in _benchmark; the test is called <name>_smoke_test.
      srcs: sources, with BENCHMARK_MAIN().
      deps: libraries; Google Benchmark is added.
      copts: compiler options beyond the project's.
      tags: tags of the binary; "benchmark" is added.
      **kwargs: further attributes of both rules.
    """
    deps = deps + ["@com_github_google_benchmark//:benchmark"]
    native.cc_binary(
        name = name,
        testonly = True,
        srcs = srcs,
        copts = _COPTS + copts,
        tags = tags + ["benchmark"],
        deps = deps,
        **kwargs
    )
    native.cc_test(
        name = name + "_smoke_test",
        size = "medium",  # Unoptimised builds run the real sizes once.
        srcs = srcs,
        args = ["--benchmark_min_time=0"],
        copts = _COPTS + copts,
        tags = tags + ["benchmark_smoke"],
        deps = deps,
        **kwargs
    )
