package(default_visibility = ["//visibility:public"])

cc_library(
    name = "gtest",
    hdrs = glob(%{hdrs}),
    defines = ["FCAM_GOOGLETEST_VERSION=%{version_number}"],
    includes = %{includes},
    linkopts = %{linkopts},
)
