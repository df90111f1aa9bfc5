#!/usr/bin/env python3
"""Writes native/src/tokenizer/unicode_tables.cc from the Unicode Character Database.

Needs the database of one exact version, because a tokenizer splits text the way its model was trained:
    pip install unicodedata2==15.1.0
    python3 scripts/makeUnicodeTables.py > native/src/tokenizer/unicode_tables.cc
"""
import sys

try:
    import unicodedata2 as database
except ImportError:
    import unicodedata as database

VERSION = "15.1.0"
# The White_Space property; it is not a general category, so the database module cannot tell it.
WHITE_SPACE = {0x9, 0xA, 0xB, 0xC, 0xD, 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F,
               0x3000}
CLASS_OF_CATEGORY = {"L": "kLetter", "N": "kNumber", "M": "kMark", "P": "kPunctuation", "S": "kSymbol"}
CLASS_LETTERS = {"kOther": "O", "kLetter": "L", "kNumber": "N", "kSpace": "W", "kMark": "M", "kPunctuation": "P",
                 "kSymbol": "S", "kControl": "C"}


def class_of(code_point: int) -> str:
    if code_point in WHITE_SPACE:
        return "kSpace"
    category = database.category(chr(code_point))
    if category in ("Cc", "Cf", "Co", "Cs"):
        return "kControl"
    return CLASS_OF_CATEGORY.get(category[0], "kOther")


def mapping_ranges(mapping):
    """[first, last, delta, step]: runs of code points, `step` apart, whose image is `delta` away."""
    runs = []
    for code_point in range(0x110000):
        if 0xD800 <= code_point <= 0xDFFF:
            continue
        delta = mapping(code_point) - code_point
        if delta == 0:
            continue
        if runs and runs[-1][2] == delta and code_point - runs[-1][1] in (1, 2):
            step = code_point - runs[-1][1]
            if runs[-1][0] == runs[-1][1] or runs[-1][3] == step:
                runs[-1][1], runs[-1][3] = code_point, step
                continue
        runs.append([code_point, code_point, delta, 1])
    return runs


def same_image_ranges(mapping):
    """[first, last, image]: runs of neighbours with one image."""
    runs = []
    for code_point in range(0x110000):
        if 0xD800 <= code_point <= 0xDFFF:
            continue
        image = mapping(code_point)
        if image == code_point:
            continue
        if runs and runs[-1][2] == image and runs[-1][1] + 1 == code_point:
            runs[-1][1] = code_point
        else:
            runs.append([code_point, code_point, image])
    return runs


def print_table(items) -> None:
    line = "   "
    for item in items:
        if len(line) + len(item) + 1 > 120:
            print(line)
            line = "   "
        line += " " + item
    print(line)
    print("};")

def main() -> None:
    if "--help" in sys.argv:
        print(__doc__)
        return
    if database.unidata_version != VERSION:
        sys.exit(f"Unicode {VERSION} is needed, this is {database.unidata_version}: pip install unicodedata2=={VERSION}")
    starts = []
    previous = ""
    for code_point in range(0x110000):
        current = class_of(code_point)
        if current != previous:
            starts.append((code_point, current))
            previous = current
    print(f"// Where the character class changes, lower case and base letters, Unicode {VERSION}. Written by")
    print("// scripts/makeUnicodeTables.py; do not edit.")
    print('#include "tokenizer/unicode.h"\n')
    print("namespace zell::tokenizer::internal {\nnamespace {")
    for name, letter in CLASS_LETTERS.items():
        print(f"constexpr CharClass {letter} = CharClass::{name};")
    print("}  // namespace\n\n// clang-format off")
    print("const ClassRange kClassRanges[] = {")
    print_table(f"{{0x{start:x}, {CLASS_LETTERS[name]}}}," for start, name in starts)
    print("const LowerRange kLowerRanges[] = {")
    lower = mapping_ranges(lambda c: ord(chr(c).lower()[0]))
    print_table(f"{{0x{first:x}, 0x{last:x}, {delta}, {step}}}," for first, last, delta, step in lower)
    print("const BaseRange kBaseRanges[] = {")
    base = same_image_ranges(lambda c: ord(database.normalize("NFD", chr(c))[0]))
    print_table(f"{{0x{first:x}, 0x{last:x}, 0x{image:x}}}," for first, last, image in base)
    print("// clang-format on")
    for name in ("Class", "Lower", "Base"):
        print(f"const size_t k{name}RangeCount = sizeof(k{name}Ranges) / sizeof(k{name}Ranges[0]);")
    print("\n}  // namespace zell::tokenizer::internal")


main()
