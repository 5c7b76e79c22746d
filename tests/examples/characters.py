"""Which characters of Unicode examples/support/characters.hpp makes visible, derived once more."""
import unicodedata

# What Unicode 17 lists as Default_Ignorable_Code_Point (DerivedCoreProperties.txt).
DEFAULT_IGNORABLE = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF))

# Format characters (Cf) that are newer than the Unicode of some versions of Python.
NEW_FORMAT = ((0x890, 0x891), (0x13430, 0x1343F))

# Control, format, separator of lines, separator of paragraphs.
CATEGORIES = ("Cc", "Cf", "Zl", "Zp")

HIDDEN = {code for first, last in DEFAULT_IGNORABLE + NEW_FORMAT
          for code in range(first, last + 1)}
HIDDEN.update(code for code in range(0x110000) if unicodedata.category(chr(code)) in CATEGORIES)

SHORT = {9: r"\t", 10: r"\n", 13: r"\r"}


def visible_form(code):
    """How one hidden character is shown; a byte that is no UTF-8 is a surrogate in Python."""
    if code < 0x80:
        return SHORT.get(code, r"\x%02x" % code)
    if 0xDC80 <= code <= 0xDCFF:
        return r"\x%02x" % (code - 0xDC00)
    return r"\u{%x}" % code


def harmless(text, kept=""):
    """`text`, decoded with errors="surrogateescape", as it is shown."""
    return "".join(
        visible_form(ord(each))
        if each not in kept and (ord(each) in HIDDEN or 0xD800 <= ord(each) <= 0xDFFF) else each
        for each in text)
