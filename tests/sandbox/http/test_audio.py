from __future__ import annotations

import pytest

from trudy.sandbox.http import recordings as recording

# ISO 13818-3, layer III: kbit/s by the index in the header, and samples a second likewise.
BITRATES = [None, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, None]
SAMPLE_RATES = [22_050, 24_000, 16_000, None]


def frames(audio: bytes) -> list[tuple[int, int]]:
    """Walk the stream as a decoder does, from header to header; (samples a second, bytes) of each frame."""
    found: list[tuple[int, int]] = []
    position = 0
    while position < len(audio):
        header = int.from_bytes(audio[position : position + 4])
        assert header >> 21 == 0x7FF, "frame sync"
        assert header >> 19 & 3 == 2, "MPEG-2"
        assert header >> 17 & 3 == 1, "layer III"
        assert header >> 16 & 1, "no checksum"
        bitrate, rate = BITRATES[header >> 12 & 15], SAMPLE_RATES[header >> 10 & 3]
        assert bitrate
        assert rate
        assert header >> 6 & 3 == 3, "one channel"
        size = 72 * bitrate * 1000 // rate + (header >> 9 & 1)
        assert not any(audio[position + 4 : position + size]), "silence"
        found.append((rate, size))
        position += size
    assert position == len(audio)
    return found


@pytest.mark.parametrize("seconds", [0, 1, 24, 1800])
def test_it_is_a_stream_of_whole_frames_as_long_as_the_call(seconds: int) -> None:
    found = frames(recording.audio(seconds))
    assert set(found) == {(recording.SAMPLE_RATE, recording.FRAME_SIZE)}
    length = len(found) * recording.SAMPLES_PER_FRAME / recording.SAMPLE_RATE
    assert seconds <= length <= seconds + 0.04
