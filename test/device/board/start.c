/*
 * A Cortex-M3's way to main(): the vector table, then newlib's start, which asks the host by
 * semihosting
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <string.h>

extern char __stack[], __data_at[], __data_start[], __data_size[];
extern void _start(void);

static void reset(void)
{
    memcpy(__data_start, __data_at, (uintptr_t)__data_size);
    _start(); /* clears .bss */
}

/* SYS_EXIT with an internal error, so that qemu ends with a status that is not 0. */
static void fault(void)
{
    register uint32_t call __asm__("r0") = 0x18, why __asm__("r1") = 0x20024;

    __asm__ volatile("bkpt 0xab" : : "r"(call), "r"(why));
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[] = {
    (uintptr_t)__stack, (uintptr_t)reset, (uintptr_t)fault, (uintptr_t)fault,
    (uintptr_t)fault,   (uintptr_t)fault, (uintptr_t)fault,
};
