"""Conan 2: makes a package of the checkout that this file is in.

    conan create docs/packaging/conan
"""

import os

from conan import ConanFile
from conan.tools.files import copy


class Trama(ConanFile):
    name = "trama"
    version = "0.2.0"
    description = "POSIX sockets and message framing in C++17, headers only"
    license = "BSL-1.0"
    package_type = "header-library"
    no_copy_source = True

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..", "..")
        copy(self, "LICENSE", root, self.export_sources_folder)
        for folder in ("include", "single_include"):
            copy(self, "*.hpp", os.path.join(root, folder),
                 os.path.join(self.export_sources_folder, folder))

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        for folder in ("include", "single_include"):
            copy(self, "*.hpp", os.path.join(self.source_folder, folder),
                 os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
