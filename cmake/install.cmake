# What `cmake --install` puts where: everything under the prefix, unless AKMA_MODULES_DIR says otherwise. Components:
#
#   module        akma.so, its manual pages, and a configuration that activates it (etc/akma/openssl.cnf)
#   development   the public header, akma.pc, the CMake package `akma`
#   tools         akma, e2e-as, e2e-ue, their manual pages and systemd units
#   mosquitto     the plugin of the mosquitto broker and its manual page
include(CMakePackageConfigHelpers)

set(PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/akma)
set(UNIT_DIR lib/systemd/system)
set(DESTINATIONS
    ${AKMA_MODULES_DIR} ${CMAKE_INSTALL_BINDIR} ${CMAKE_INSTALL_INCLUDEDIR}/akma ${CMAKE_INSTALL_LIBDIR}/pkgconfig ${PACKAGE_DIR}
    ${CMAKE_INSTALL_MANDIR}/man1 ${CMAKE_INSTALL_MANDIR}/man5 ${CMAKE_INSTALL_MANDIR}/man7
    ${UNIT_DIR} lib/sysusers.d share/bash-completion/completions)
install(CODE "
    set(BINARY_DIR \"${PROJECT_BINARY_DIR}\")
    set(SYSCONFDIR \"${CMAKE_INSTALL_SYSCONFDIR}\")
    set(DESTINATIONS \"${DESTINATIONS}\")
    include(\"${PROJECT_SOURCE_DIR}/cmake/install-folders.cmake\")
" ALL_COMPONENTS)

install(TARGETS akma LIBRARY DESTINATION ${AKMA_MODULES_DIR} COMPONENT module)
foreach(program akma-tool e2e-as e2e-ue)
    if(TARGET ${program})
        install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
    endif()
endforeach()

if(TARGET mosquitto_akma)
    install(TARGETS mosquitto_akma LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT mosquitto)
endif()
if(AKMA_E2E)
    install(DIRECTORY e2e/systemd/ DESTINATION ${UNIT_DIR} COMPONENT tools PATTERN *.sysusers EXCLUDE
        PATTERN *.tmpfiles EXCLUDE)
    file(GLOB UNITS RELATIVE ${PROJECT_SOURCE_DIR}/e2e/systemd CONFIGURE_DEPENDS e2e/systemd/*.service)
    foreach(program e2e-as e2e-ue) # bash looks for a file of the program's name
        install(FILES e2e/completion/e2e-as DESTINATION share/bash-completion/completions RENAME ${program} COMPONENT tools)
    endforeach()
    install(FILES e2e/systemd/akma-e2e.sysusers DESTINATION lib/sysusers.d RENAME akma-e2e.conf COMPONENT tools)
    install(FILES e2e/systemd/akma-e2e.tmpfiles DESTINATION lib/tmpfiles.d RENAME akma-e2e.conf COMPONENT tools)
    install(CODE "
        set(units \"${UNITS}\")
        set(unit_dir \"${UNIT_DIR}\")
        set(bindir \"${CMAKE_INSTALL_BINDIR}\")
        include(\"${PROJECT_SOURCE_DIR}/cmake/install-units.cmake\")
    " COMPONENT tools)
endif()

# A page of a program that is not built stays away; those of section 7 are the module's.
function(install_page page target component)
    string(REGEX REPLACE "^.*\\.([157])[a-z]*$" "\\1" section ${page})
    if(TARGET ${target})
        install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT ${component})
    endif()
endfunction()

install_page(man/akma.1 akma-tool tools)
install_page(man/e2e-as.1 e2e-as tools)
install_page(man/e2e-ue.1 e2e-ue tools)
install_page(man/mosquitto_akma.5 mosquitto_akma mosquitto)
file(GLOB PAGES CONFIGURE_DEPENDS man/*.7ssl)
foreach(page ${PAGES})
    install_page(${page} akma module)
endforeach()

# The configuration names folders that are known when it is installed, and those that are compiled into libcrypto: it need
# not be the one of the `openssl` that is here.
file(STRINGS "${OPENSSL_CRYPTO_LIBRARY}" openssl REGEX "^(OPENSSLDIR|MODULESDIR): ")
string(REGEX MATCH "OPENSSLDIR: \"([^\"]+)\"" found "${openssl}")
set(AKMA_OPENSSL_DIR "${CMAKE_MATCH_1}" CACHE STRING "OPENSSLDIR, the folder of the system's openssl.cnf")
string(REGEX MATCH "MODULESDIR: \"([^\"]+)\"" found "${openssl}")
set(AKMA_OPENSSL_MODULES "${CMAKE_MATCH_1}" CACHE STRING "MODULESDIR, where OpenSSL looks for providers")
set(tool "")
if(TARGET akma-tool AND NOT CMAKE_CROSSCOMPILING)
    set(tool "$<TARGET_FILE:akma-tool>")
endif()
install(CODE "
    set(tool \"${tool}\")
    set(folder \"${AKMA_MODULES_DIR}\")
    set(openssl_dir \"${AKMA_OPENSSL_DIR}\")
    set(openssl_modules \"${AKMA_OPENSSL_MODULES}\")
    set(template \"${PROJECT_SOURCE_DIR}/cmake/openssl.cnf.in\")
    include(\"${PROJECT_SOURCE_DIR}/cmake/install-configuration.cmake\")
" COMPONENT module)

# For those who build against it.
install(DIRECTORY include/akma DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(TARGETS akma-headers EXPORT akma)
install(EXPORT akma NAMESPACE akma:: FILE akmaTargets.cmake DESTINATION ${PACKAGE_DIR} COMPONENT development)
configure_package_config_file(cmake/akmaConfig.cmake.in akmaConfig.cmake
    INSTALL_DESTINATION ${PACKAGE_DIR} PATH_VARS AKMA_MODULES_DIR)
write_basic_package_version_file(akmaConfigVersion.cmake COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/akmaConfig.cmake ${PROJECT_BINARY_DIR}/akmaConfigVersion.cmake
    DESTINATION ${PACKAGE_DIR} COMPONENT development)

# akma.pc finds the prefix from its own place.
file(RELATIVE_PATH PREFIX_FROM_PC /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" PREFIX_FROM_PC ${PREFIX_FROM_PC})
set(PC_MODULES_DIR ${AKMA_MODULES_DIR})
if(NOT IS_ABSOLUTE ${PC_MODULES_DIR})
    set(PC_MODULES_DIR "\${prefix}/${PC_MODULES_DIR}")
endif()
configure_file(cmake/akma.pc.in akma.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/akma.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

if(AKMA_TOP_LEVEL)
    add_custom_target(uninstall COMMENT "Removing what was installed"
        COMMAND ${CMAKE_COMMAND} -D BINARY_DIR=${PROJECT_BINARY_DIR} -P ${PROJECT_SOURCE_DIR}/cmake/uninstall.cmake)
endif()
