"""Vietnamese text from before Unicode: the byte maps of TCVN3 (ABC) and VNI, and what a syllable can be.

Neither map marks its texts, and nearly every byte means something in both, so a reading is judged by what
comes out: words that Vietnamese could have. Choosing between encodings is in ``extracts.encodings``.
"""

import re
import unicodedata

TCVN3, VNI = "TCVN3", "VNI"

_TCVN3_FROM_A1 = (
    "ĂÂÊÔƠƯĐăâêôơưđ\0\0\0\0\0\0àảãáạ\0ằẳẵắ\0\0\0\0\0\0\0ặầẩẫấậè\0"
    "ẻẽéẹềểễếệìỉ\0\0\0ĩíịò\0ỏõóọồổỗốộờởỡớợù\0ủũúụừửữứựỳỷỹýỵ\0"
)
"""Letters of the bytes A1…FF (TCVN 5712:1993, VN3). Fonts ending in H draw the small toned letters as
capitals, so that a whole title comes out small: folding makes them equal."""
_TONES = "\u0301\u0300\u0309\u0303\u0323"
_VNI_MARKS = {"": "ùøûõï", "\u0302": "áàåãä", "\u0306": "éèúüë"}
"""Marks behind a vowel in the order of ``_TONES``: plain, with a hat, with a breve."""
_VNI_ALONE = {"ñ": "đ", "ô": "ơ", "ö": "ư", "í": "í", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}
_VNI_HATS = {"â": "\u0302", "ê": "\u0306"}

_ONSET = "(?:ngh|ng|nh|gh|gi|kh|ph|qu|th|tr|ch|[bcdđghklmnprstvx])?"
_RHYMES = (
    "a ac ach ai am an ang anh ao ap at au ay ăc ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây e ec em en eng "
    "eo ep et ê êch êm ên ênh êp êt êu i ia ich im in inh ip it iu iêc iêm iên iêng iêp iêt iêu o oa oac "
    "oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oc oe oen oeo oet oi om on ong ooc "
    "oong op ot ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt u ua uc ui um un ung up ut uân uâng uât uây uê "
    "uêch uênh uơ uôc uôi uôm uôn uông uôt uy uya uych uyên uyêt uynh uyp uyt uyu ư ưa ưc ưi ưm ưn ưng ưt "
    "ưu ươc ươi ươm ươn ương ươp ươt ươu y yêm yên yêng yêt yêu ych ynh yt "
)
_SYLLABLE = re.compile(f"{_ONSET}(?:{'|'.join(sorted(_RHYMES.split(), key=len, reverse=True))})")
_WORD = re.compile(r"[^\W\d_]+")
_JUDGED_WORDS = 400


def from_tcvn3(raw: bytes) -> str | None:
    """Text of TCVN3 bytes; None where a byte stands for nothing in it."""
    if raw.translate(None, _TCVN3_UNDEFINED) != raw:
        return None
    return raw.decode("latin-1").translate(_TCVN3)


def from_vni(raw: bytes) -> str | None:
    """Text of VNI bytes: a mark follows its vowel. None where a byte stands for no letter at all."""
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError:
        return None
    return _VNI_PAIR.sub(lambda found: _VNI[found[0]], text)


def syllable_share(text: str) -> float | None:
    """Share of the text's accented words that Vietnamese could have; None where no word is accented."""
    words = {word for word in _WORD.findall(unicodedata.normalize("NFC", text)) if not word.isascii()}
    judged = sorted(words)[:: max(1, len(words) // _JUDGED_WORDS)]
    return sum(is_syllable(word) for word in judged) / len(judged) if judged else None


def is_syllable(word: str) -> bool:
    """Whether a word (a name, a title) can be one Vietnamese syllable: onset, rhyme, one tone at most."""
    if not (word.islower() or word.isupper() or word.istitle()):
        return False
    apart = unicodedata.normalize("NFD", word.lower())
    bare = unicodedata.normalize("NFC", "".join(letter for letter in apart if letter not in _TONES))
    tones = sum(letter in _TONES for letter in apart)
    return tones <= 1 and _SYLLABLE.fullmatch(bare) is not None


def _vni_letters() -> dict[str, str]:
    letters = dict(_VNI_ALONE)
    for vowel in "aeouyôö":
        plain = _VNI_ALONE.get(vowel, vowel)
        for hat, marks in _VNI_MARKS.items():
            pairs = {**dict(zip(marks, (hat + tone for tone in _TONES), strict=True))}
            pairs |= {mark: lone for mark, lone in _VNI_HATS.items() if lone == hat}
            for mark, drawn in pairs.items():
                letter = unicodedata.normalize("NFC", plain + drawn)
                if len(letter) == 1:
                    letters[vowel + mark] = letter
    capitals = {seen.upper(): meant.upper() for seen, meant in letters.items()}
    titles = {seen[0].upper() + seen[1:]: meant.upper() for seen, meant in letters.items()}
    return letters | titles | capitals


_VNI = _vni_letters()
_VNI_PAIR = re.compile("|".join(sorted(map(re.escape, _VNI), key=len, reverse=True)))
_TCVN3 = {0xA1 + place: letter for place, letter in enumerate(_TCVN3_FROM_A1) if letter != "\0"}
_TCVN3_UNDEFINED = bytes(byte for byte in range(0x80, 0x100) if byte not in {*_TCVN3, 0xA0})
