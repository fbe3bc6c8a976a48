package(default_visibility = ["//visibility:public"])

cc_library(
    name = "benchmark",
    hdrs = glob(%{hdrs}),
    defines = ["FCAM_BENCHMARK_VERSION=%{version_number}"],
    includes = %{includes},
    linkopts = %{linkopts},
)
