package(default_visibility = ["//visibility:public"])

cc_library(
    name = "torch",
    hdrs = glob(%{hdrs}),
    defines = ["FCAM_LIBTORCH_VERSION=%{version_number}"],
    includes = %{includes},
    linkopts = %{linkopts},
)
