# Cross-compile with Debian's compilers and multiarch libraries:
#
#   cmake -S . -B build/s390x -DCMAKE_TOOLCHAIN_FILE=cmake/debian-cross.cmake -DAKMA_TRIPLET=s390x-linux-gnu
#
# needs gcc-s390x-linux-gnu, g++-s390x-linux-gnu for AKMA_TESTS, and libssl-dev:s390x
# (after dpkg --add-architecture s390x). What is built runs here under qemu-user.
# CMake's own trial builds read this file too, and get no option: the environment tells them.
set(AKMA_TRIPLET "$ENV{AKMA_TRIPLET}" CACHE STRING "GNU triplet of the machine to build for, such as s390x-linux-gnu")
if(NOT AKMA_TRIPLET)
    message(FATAL_ERROR "AKMA_TRIPLET is missing: give the machine to build for, such as -DAKMA_TRIPLET=s390x-linux-gnu")
endif()
set(ENV{AKMA_TRIPLET} ${AKMA_TRIPLET})
string(REGEX REPLACE "-.*" "" CMAKE_SYSTEM_PROCESSOR ${AKMA_TRIPLET})
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER ${AKMA_TRIPLET}-gcc)
set(CMAKE_CXX_COMPILER ${AKMA_TRIPLET}-g++)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
# pkg-config answers for that machine, not for this one.
execute_process(COMMAND ${CMAKE_C_COMPILER} -print-multiarch OUTPUT_VARIABLE multiarch OUTPUT_STRIP_TRAILING_WHITESPACE)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/${multiarch}/pkgconfig:/usr/share/pkgconfig)
