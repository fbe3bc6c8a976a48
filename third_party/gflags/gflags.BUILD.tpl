package(default_visibility = ["//visibility:public"])

cc_library(
    name = "gflags",
    hdrs = glob(%{hdrs}),
    defines = ["FCAM_GFLAGS_VERSION=%{version_number}"],
    includes = %{includes},
    linkopts = %{linkopts},
)
