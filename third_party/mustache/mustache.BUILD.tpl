package(default_visibility = ["//visibility:public"])

cc_library(
    name = "mustache",
    hdrs = glob(%{hdrs}),
    includes = %{includes},
    linkopts = %{linkopts},
)
