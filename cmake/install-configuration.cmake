# While installing: <prefix>/etc/akma/openssl.cnf, from sysconf, folder, openssl_dir, openssl_modules and template; or by
# `akma config`, if that was built and nothing is staged: it keeps what the system's file has, whatever
# its sections are called.
# One that is there and differs is the administrator's, with a policy perhaps: it stays. What it would be without changes is
# kept in BINARY_DIR/install_openssl.cnf, by which `uninstall` tells an edited one.
set(file "${sysconf}/akma/openssl.cnf")
get_filename_component(folder "${folder}" ABSOLUTE BASE_DIR "${CMAKE_INSTALL_PREFIX}")

# Where OpenSSL looks by itself, nothing needs to be said. What openssl.cnf(5) takes for more than a character is escaped.
string(REGEX REPLACE "([\\\\$#\"'`])" "\\\\\\1" escaped "${folder}")
set(module "module = ${escaped}/akma.so\n")
if("${folder}" STREQUAL "${openssl_modules}")
    set(module "")
endif()

set(written "$ENV{DESTDIR}${file}")
file(READ "${template}" content)
string(CONFIGURE "${content}" content @ONLY)
set(system "${openssl_dir}/openssl.cnf")
if(tool AND EXISTS "${system}" AND "$ENV{DESTDIR}" STREQUAL "")
    execute_process(COMMAND "${tool}" config --system "${system}" --module "${folder}/akma.so"
        RESULT_VARIABLE status OUTPUT_VARIABLE made ERROR_QUIET)
    if(status EQUAL 0)
        string(REPLACE "\"THIS FILE\"" "\"${file}\"" content "${made}")
    endif()
endif()
list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${file}")
file(WRITE "${BINARY_DIR}/install_openssl.cnf" "${content}")
if(EXISTS "${written}")
    file(READ "${written}" there)
    if(NOT there STREQUAL content)
        message(STATUS "Keeping, because it was changed: ${written}")
        return()
    endif()
endif()
message(STATUS "Installing: ${written}")
file(WRITE "${written}" "${content}")
