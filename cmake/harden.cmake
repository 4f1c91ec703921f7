# What a C compiler can do against faults that got past everything else: the flags of the OpenSSF compiler options
# hardening guide, each where this compiler and linker have it. Everything from here on is built with them, unless
# AKMA_HARDEN is off; sanitizers and fuzzers see more without.
#
# Of the guide's list only these are left out: -z nodlopen, because the module and the plugin are there to be loaded so, and
# -fexceptions, which is for threads that are cancelled: none is here.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)
include(CheckPIESupported)

set(HARDEN_COMPILE
    -fstack-protector-strong
    -fstack-clash-protection
    -fcf-protection=full               # x86
    -mbranch-protection=standard       # 64-bit ARM
    -ftrivial-auto-var-init=zero
    -fstrict-flex-arrays=3
    -fno-delete-null-pointer-checks
    -fno-strict-overflow
    -fno-strict-aliasing
    -Wformat=2
    -Wimplicit-fallthrough
    -Wtrampolines
    -Wbidi-chars=any
    -Werror=format-security
    -Werror=implicit
    -Werror=incompatible-pointer-types
    -Werror=int-conversion)
set(HARDEN_LINK
    -Wl,-z,relro
    -Wl,-z,now
    -Wl,-z,noexecstack
    -Wl,--as-needed
    -Wl,--no-copy-dt-needed-entries)

set(CMAKE_REQUIRED_FLAGS "-Wall -Werror") # what a compiler warns of it does not know
foreach(flag IN LISTS HARDEN_COMPILE)
    string(MAKE_C_IDENTIFIER "AKMA_HAVE${flag}" have)
    check_c_compiler_flag(${flag} ${have})
    if(${have})
        add_compile_options($<$<COMPILE_LANGUAGE:C>:${flag}>)
    endif()
endforeach()
unset(CMAKE_REQUIRED_FLAGS)
foreach(flag IN LISTS HARDEN_LINK)
    string(MAKE_C_IDENTIFIER "AKMA_HAVE${flag}" have)
    check_linker_flag(C ${flag} ${have})
    if(${have})
        add_link_options(${flag})
    endif()
endforeach()

# Programs that can be loaded anywhere.
check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# It needs an optimising compiler; a C library that knows no level 3 warns of it.
set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_c_source_compiles("#include <stdio.h>\nint main(void) { return 0; }" AKMA_HAVE_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
set(level 2)
if(AKMA_HAVE_FORTIFY_3)
    set(level 3)
endif()
add_compile_options("$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=${level}>")
