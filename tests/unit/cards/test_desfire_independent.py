"""The virtual DESFire card read by somebody else's program: python-desfire, which knows AES of EV1."""

from __future__ import annotations

import pytest
from desfire import DESFire, DESFireKey
from desfire.enums import DESFireCommunicationMode, DESFireKeyType
from desfire.exceptions import DESFireCommunicationError
from desfire.schemas import FileSettings, KeySettings

from kazasu.virtual.desfire import DesfireCard, DesfireFile, DesfireKey

UID = bytes.fromhex("04A1B2C3D4E580")
AID = bytes.fromhex("F53042")
KEY = bytes(range(16))
CONTENT = bytes(range(1, 101))


class Wrapped:
    """Puts native commands into ISO/IEC 7816-4 frames, as a PC/SC reader is given them."""

    def __init__(self, card: DesfireCard) -> None:
        self._card = card
        card.power_on()

    def transceive(self, native: list[int]) -> list[int]:
        instruction, *data = native
        body = [len(data), *data] if data else []
        answer = self._card.transmit(bytes([0x90, instruction, 0, 0, *body, 0]))
        assert answer[-2] == 0x91
        return [answer[-1], *answer[:-2]]


@pytest.fixture
def reader() -> DESFire:
    files = {1: DesfireFile(CONTENT, 3), 2: DesfireFile(CONTENT, 3, full=False)}
    card = DesfireCard(UID, AID, {3: DesfireKey(KEY, 7)}, files, ev2=False)
    reader = DESFire(Wrapped(card))
    reader.select_application(list(AID))
    return reader


def key(value: bytes) -> DESFireKey:
    return DESFireKey(KeySettings(key_type=DESFireKeyType.DF_KEY_AES), value)


def test_it_authenticates_and_reads_files_and_uid(reader: DESFire) -> None:
    assert reader.get_key_version(3) == 7
    reader.authenticate(3, key(KEY))

    assert bytes(reader.get_real_uid()) == UID
    for number, encryption in ((1, DESFireCommunicationMode.ENCRYPTED), (2, DESFireCommunicationMode.CMAC)):
        settings = FileSettings(encryption=encryption, file_size=len(CONTENT))
        assert bytes(reader.read_file_data(number, settings)) == CONTENT


def test_with_another_key_it_is_refused(reader: DESFire) -> None:
    with pytest.raises(DESFireCommunicationError, match="ST_AuthentError"):
        reader.authenticate(3, key(bytes(16)))
