# What a room needs beside libcrypto. What is missing is named all at once, before any room looks for it.

# akma_needs(<option of the room> <pkg-config's module> <Debian's package>)
macro(akma_needs option module package)
    if(${option})
        find_package(PkgConfig QUIET)
        string(MAKE_C_IDENTIFIER "NEED_${module}" need)
        if(PkgConfig_FOUND)
            pkg_check_modules(${need} QUIET ${module})
        endif()
        if(NOT ${need}_FOUND)
            list(APPEND AKMA_MISSING "\n  ${module}, for ${option}: Debian's package ${package}")
        endif()
    endif()
endmacro()

macro(akma_refuse_missing)
    if(AKMA_MISSING)
        list(JOIN AKMA_MISSING "" missing)
        message(FATAL_ERROR "Missing on this machine, as pkg-config sees it:${missing}\n"
            "Install them (on Debian: scripts/install-packages.sh @module @programs) or leave "
            "the room out, such as -DAKMA_E2E=OFF.")
    endif()
endmacro()
