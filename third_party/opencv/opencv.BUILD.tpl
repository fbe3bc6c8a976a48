package(default_visibility = ["//visibility:public"])

cc_library(
    name = "core",
    hdrs = glob(%{hdrs}),
    defines = ["FCAM_OPENCV_VERSION=%{version_number}"],
    includes = %{includes},
    linkopts = %{linkopts} + ["-lopencv_core"],
)

cc_library(
    name = "imgproc",
    linkopts = ["-lopencv_imgproc"],
    deps = [":core"],
)

cc_library(
    name = "imgcodecs",
    linkopts = ["-lopencv_imgcodecs"],
    deps = [":core"],
)
