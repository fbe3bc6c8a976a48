package(default_visibility = ["//visibility:public"])

cc_library(
    name = "protobuf",
    hdrs = glob(%{hdrs}),
    defines = ["FCAM_PROTOBUF_VERSION=%{version_number}"],
    includes = %{includes},
    linkopts = %{linkopts} + ["-pthread"],
)
