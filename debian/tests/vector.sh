# The worked example of README.md; sourced.
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034
KS_NAF=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
KA=a0a1a2a3a4a5a6a7a8a9aaabacadaeafa0a1a2a3a4a5a6a7a8a9aaabacadaeaf
FQDN=iot.example.com
E2E_KEY=f4bf656b19bac42daca12015a552ba9811e2c6e54629feddffcf01af048de409
