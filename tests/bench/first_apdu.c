/* The bare program that the reader loop is measured against: waits for each card in one reader, connects, sends one
 * APDU, disconnects. No error is survived, nothing is logged.
 *
 *     cc -O2 -o first_apdu first_apdu.c $(pkg-config --cflags --libs libpcsclite)
 *     first_apdu 'Virtual PCD 00 01'
 */
#include <stdio.h>
#include <stdlib.h>
#include <winscard.h>

static void expect(LONG code, const char *step)
{
    if (code != SCARD_S_SUCCESS) {
        fprintf(stderr, "%s: 0x%08lX\n", step, (unsigned long)code);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static const BYTE get_uid[] = {0xFF, 0xCA, 0x00, 0x00, 0x00};
    SCARDCONTEXT context;
    SCARD_READERSTATE states[2] = {{0}};

    if (argc != 2)
        return 2;
    states[0].szReader = argv[1];
    states[1].szReader = "\\\\?PnP?\\Notification";
    expect(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context), "SCardEstablishContext");
    for (;;) {
        DWORD before = states[0].dwCurrentState;
        LONG code = SCardGetStatusChange(context, 10000, states, 2);

        if (code == (LONG)SCARD_E_TIMEOUT)
            continue;
        expect(code, "SCardGetStatusChange");
        states[0].dwCurrentState = states[0].dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
        if ((states[0].dwEventState & SCARD_STATE_PRESENT)
            && (!(before & SCARD_STATE_PRESENT) || before >> 16 != states[0].dwEventState >> 16)) {
            SCARDHANDLE card;
            DWORD protocol, length;
            BYTE answer[258];

            code = SCardConnect(context, argv[1], SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card,
                                &protocol);
            if (code != SCARD_S_SUCCESS)
                continue;
            length = sizeof answer;
            SCardTransmit(card, protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1, get_uid, sizeof get_uid,
                          NULL, answer, &length);
            SCardDisconnect(card, SCARD_LEAVE_CARD);
        }
    }
}
