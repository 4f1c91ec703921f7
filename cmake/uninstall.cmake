# Remove what the install manifests of BINARY_DIR name, and the folders that are empty then, except those that were there
# before (install-folders.cmake). A configuration that differs from what was installed stays, with the policy that it may
# have by then. DESTDIR is honoured, as by `cmake --install`.
cmake_minimum_required(VERSION 3.18)
file(GLOB manifests "${BINARY_DIR}/install_manifest*.txt")
if(NOT manifests)
    message(FATAL_ERROR "Nothing to remove: no install_manifest.txt in ${BINARY_DIR}, so nothing was installed from there")
endif()
file(STRINGS "${BINARY_DIR}/install_folders.txt" kept)
list(REMOVE_AT kept 0) # the prefix they are of

foreach(manifest ${manifests})
    file(STRINGS "${manifest}" more)
    list(APPEND files ${more})
endforeach()
list(REMOVE_DUPLICATES files)
foreach(file ${files})
    if(file MATCHES "/akma/openssl\\.cnf$" AND EXISTS "$ENV{DESTDIR}${file}")
        execute_process(RESULT_VARIABLE differs OUTPUT_QUIET ERROR_QUIET
            COMMAND ${CMAKE_COMMAND} -E compare_files "$ENV{DESTDIR}${file}" "${BINARY_DIR}/install_openssl.cnf")
        if(differs)
            message(STATUS "Keeping, because it was changed: $ENV{DESTDIR}${file}")
            continue()
        endif()
    endif()
    message(STATUS "Removing: $ENV{DESTDIR}${file}")
    file(REMOVE "$ENV{DESTDIR}${file}")
    get_filename_component(folder "$ENV{DESTDIR}${file}" DIRECTORY)
    while(NOT folder IN_LIST kept)
        execute_process(COMMAND rmdir "${folder}" ERROR_QUIET) # fails where something is inside
        if(EXISTS "${folder}")
            break()
        endif()
        get_filename_component(folder "${folder}" DIRECTORY)
    endwhile()
endforeach()
file(REMOVE ${manifests} "${BINARY_DIR}/install_folders.txt" "${BINARY_DIR}/install_openssl.cnf")
