"""OpenCV, as installed on this machine, one target a module."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party:system_library.bzl", "system_library")

def repo():
    maybe(
        system_library,
        name = "opencv",
        apt_package = "libopencv-imgcodecs-dev",
        build_file = Label("//third_party/opencv:opencv.BUILD.tpl"),
        include_links = {"include/opencv4": "opencv4"},
        min_version = "4.5",
        prefix_env = "OPENCV_PREFIX",
        probe_headers = [
            "include/opencv4/opencv2/core.hpp",
            "include/opencv4/opencv2/imgcodecs.hpp",
            "include/opencv4/opencv2/imgproc.hpp",
        ],
        title = "OpenCV",
        version_header = "include/opencv4/opencv2/core/version.hpp",
        version_macros = [
            "CV_VERSION_MAJOR",
            "CV_VERSION_MINOR",
            "CV_VERSION_REVISION",
        ],
    )
