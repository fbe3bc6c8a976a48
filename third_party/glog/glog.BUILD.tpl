package(default_visibility = ["//visibility:public"])

cc_library(
    name = "glog",
    hdrs = glob(%{hdrs}),
    defines = ["FCAM_GLOG_VERSION=%{version_number}"],
    includes = %{includes},
    linkopts = %{linkopts},
)
