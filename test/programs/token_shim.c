/*
 * A PKCS#11 library in front of another one, which fails as a file says
 *
 *     ok | removed | slow <milliseconds> | hang | short | wrong | locked
 *
 * TOKEN_SHIM_MODULE: the library behind it; TOKEN_SHIM_MODE: that file, read at each call. Calls
 * are noted in TOKEN_SHIM_LOG, one a line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static CK_FUNCTION_LIST list, *real;

static void note(const char *word)
{
    const char *path = getenv("TOKEN_SHIM_LOG");
    const int fd = path == NULL ? -1 : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    char line[64];
    const int length = snprintf(line, sizeof(line), "%s %d\n", word, (int)getpid());

    if (fd < 0)
        return;
    if (write(fd, line, (size_t)length) != length)
        abort();
    (void)close(fd);
}

static void read_mode(char mode[64])
{
    const char *path = getenv("TOKEN_SHIM_MODE");
    const int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? 0 : read(fd, mode, 63);

    mode[got > 0 ? got : 0] = '\0';
    mode[strcspn(mode, "\n")] = '\0';
    if (fd >= 0)
        (void)close(fd);
}

static int is_mode(const char *word)
{
    char mode[64];

    read_mode(mode);
    return strncmp(mode, word, strlen(word)) == 0;
}

static void wait_ms(long ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&pause, NULL);
}

/* Let time pass, as the mode has it. */
static void delay(void)
{
    char mode[64];

    read_mode(mode);
    if (strncmp(mode, "slow ", 5) == 0)
        wait_ms(strtol(mode + 5, NULL, 10));
    while (is_mode("hang"))
        wait_ms(10);
}

static CK_RV initialize(void *arguments)
{
    note("C_Initialize");
    return real->C_Initialize(arguments);
}

static CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count)
{
    if (!is_mode("removed"))
        return real->C_GetSlotList(present, slots, count);
    *count = 0;
    return CKR_OK;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    const CK_RV rv = real->C_GetTokenInfo(slot, info);

    if (rv == CKR_OK && is_mode("locked"))
        info->flags |= CKF_USER_PIN_FINAL_TRY;
    return rv;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin,
                   CK_ULONG length)
{
    const CK_RV rv = real->C_Login(session, user, pin, length);

    note(rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN ? "C_Login" : "C_Login-refused");
    return rv;
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    CK_SESSION_INFO info;

    if (!is_mode("removed"))
        return real->C_SignInit(session, mechanism, key);
    if (real->C_GetSessionInfo(session, &info) == CKR_OK)
        (void)real->C_CloseAllSessions(info.slotID); /* they do not come back with the token */
    return CKR_DEVICE_REMOVED;
}

static CK_RV sign(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG data_length,
                  unsigned char *signature, CK_ULONG *length)
{
    CK_RV rv;

    delay();
    rv = real->C_Sign(session, data, data_length, signature, length);
    note("C_Sign");
    if (rv == CKR_OK && is_mode("short"))
        *length = 20;
    if (rv == CKR_OK && is_mode("wrong"))
        signature[0] ^= 1;
    return rv;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **functions)
{
    CK_RV (*get)(CK_FUNCTION_LIST **) = NULL;
    void *library = dlopen(getenv("TOKEN_SHIM_MODULE"), RTLD_NOW | RTLD_LOCAL);

    if (library != NULL)
        *(void **)&get = dlsym(library, "C_GetFunctionList");
    if (get == NULL || get(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    list = *real;
    list.C_GetFunctionList = C_GetFunctionList;
    list.C_Initialize = initialize;
    list.C_GetSlotList = get_slot_list;
    list.C_GetTokenInfo = get_token_info;
    list.C_Login = login;
    list.C_SignInit = sign_init;
    list.C_Sign = sign;
    *functions = &list;
    return CKR_OK;
}
