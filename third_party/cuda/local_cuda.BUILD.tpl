package(default_visibility = ["//visibility:public"])

# No platform has this constraint value: what needs an nvcc that is not there is
# incompatible, so that wildcards skip it (see //tools:cuda.bzl).
constraint_setting(name = "toolkit")

constraint_value(
    name = "found",
    constraint_setting = ":toolkit",
)

# CUDA's host headers and its runtime, linked statically: a program that is built
# with it starts on machines without a driver, and is told so when it asks.
cc_library(
    name = "runtime",
    hdrs = glob(
        [
            "include/*.h",
            "include/*.hpp",
            "include/crt/**",
        ],
        allow_empty = True,
    ),
    includes = ["include"],
    linkopts = %{linkopts},
    target_compatible_with = %{compatible_with},
)
